/** The state of a segment's tables: which row groups exist, which are prepared, which are visible from which csn.
 *
 *  Owns: the operations, how they change the state, and their form in the log. Must not know: files of row groups.
 *  Invariants: the state is the fold of the log's operations, so that a snapshot of it may replace them; applying an
 *  operation twice changes nothing (a commit is repeated by a master that did not hear the answer). */
import { Packr } from 'msgpackr';
import type { RowGroup } from './row-group.js';

export type ManifestOp =
  | { readonly op: 'prepare'; readonly gxid: number; readonly groups: readonly RowGroup[] }
  | { readonly op: 'commit'; readonly gxid: number; readonly csn: number }
  | { readonly op: 'rollback'; readonly gxid: number }
  | { readonly op: 'drop'; readonly storageId: number }
  /** Small row groups written anew as larger ones: from csn `until` on, `groups` are seen in place of `members`. Void when a
   *  member is gone (its table was dropped meanwhile). */
  | {
      readonly op: 'merge';
      readonly members: readonly number[];
      readonly until: number;
      readonly groups: readonly RowGroup[];
    }
  /** Members of merges that no snapshot can see any more. */
  | { readonly op: 'forget'; readonly members: readonly number[] }
  /** Everything so far: first record of a compacted log. */
  | { readonly op: 'snapshot'; readonly nextGroup: number; readonly groups: readonly RowGroup[] };

const packr = new Packr({ useRecords: true, moreTypes: false });

export function packOps(ops: readonly ManifestOp[]): Uint8Array {
  return Uint8Array.from(packr.pack(ops));
}

export function unpackOps(bytes: Uint8Array): readonly ManifestOp[] {
  return packr.unpack(bytes) as readonly ManifestOp[];
}

export class Manifest {
  /** All row groups by id, ascending: visible and prepared. */
  readonly groups = new Map<number, RowGroup>();
  readonly byStorage = new Map<number, Map<number, RowGroup>>();
  readonly prepared = new Map<number, readonly number[]>();
  nextGroup = 1;

  /** Returns the row groups that are gone. */
  apply(op: ManifestOp): readonly RowGroup[] {
    switch (op.op) {
      case 'prepare':
        for (const g of op.groups) this.add(g);
        this.prepared.set(
          op.gxid,
          op.groups.map((g) => g.id),
        );
        return [];
      case 'commit': {
        for (const id of this.prepared.get(op.gxid) ?? []) {
          const g = this.groups.get(id);
          if (g !== undefined) this.add({ ...g, csn: op.csn });
        }
        this.prepared.delete(op.gxid);
        return [];
      }
      case 'rollback': {
        const gone = this.removeAll(this.prepared.get(op.gxid) ?? []);
        this.prepared.delete(op.gxid);
        return gone;
      }
      case 'drop': {
        const gone = this.removeAll([...(this.byStorage.get(op.storageId)?.keys() ?? [])]);
        this.byStorage.delete(op.storageId);
        return gone;
      }
      case 'merge': {
        const members = op.members.map((id) => this.groups.get(id));
        if (members.some((g) => g === undefined || g.until !== undefined)) return op.groups;
        for (const g of members) this.add({ ...g!, until: op.until });
        for (const g of op.groups) this.add(g);
        return [];
      }
      case 'forget':
        return this.removeAll(op.members);
      case 'snapshot':
        this.nextGroup = op.nextGroup;
        for (const g of op.groups) {
          this.add(g);
          if (g.csn === undefined) this.prepared.set(g.gxid, [...(this.prepared.get(g.gxid) ?? []), g.id]);
        }
        return [];
    }
  }

  snapshot(): ManifestOp {
    return { op: 'snapshot', nextGroup: this.nextGroup, groups: [...this.groups.values()] };
  }

  private add(g: RowGroup): void {
    this.groups.set(g.id, g);
    let storage = this.byStorage.get(g.storageId);
    if (storage === undefined) {
      storage = new Map();
      this.byStorage.set(g.storageId, storage);
    }
    storage.set(g.id, g);
    this.nextGroup = Math.max(this.nextGroup, g.id + 1);
  }

  private removeAll(ids: readonly number[]): RowGroup[] {
    const gone: RowGroup[] = [];
    for (const id of ids) {
      const g = this.groups.get(id);
      if (g === undefined) continue;
      gone.push(g);
      this.groups.delete(id);
      this.byStorage.get(g.storageId)?.delete(id);
    }
    return gone;
  }
}
