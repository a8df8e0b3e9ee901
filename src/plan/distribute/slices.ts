/** Cuts a finished operator tree at its motions into slices, senders before receivers.
 *
 *  Owns: slice and motion numbers, gangs. A slice runs on every segment, on one segment when all its inputs are
 *  replicated, or on the master; when constants fix the distribution keys of what it scans, only on the segments that
 *  can have such rows. What readers share is a slice of its own on each process that they run on. */
import { MASTER, type MotionId, type SegmentId, type SharedId, type SliceId } from '../../types/ids.js';
import type { PhysicalOp, Slice, SliceSink } from '../physical.js';
import { type MotionSpec, type PhysicalContext, type Place, placeOf } from './context.js';
import { isPartitioned } from './distribution.js';
import { physicalInputs, sharesRead, transformPhysical } from './physical-walk.js';
import { keptColumns } from './shares.js';

export function cutSlices(
  ctx: PhysicalContext,
  root: PhysicalOp,
  place: Place,
  sink: Exclude<SliceSink, { kind: 'motion' }>,
): readonly Slice[] {
  const slices: Slice[] = [];
  // The number of a receiver is not known before its senders have theirs.
  type Pending = { readonly op: PhysicalOp; readonly place: Place; readonly spec: MotionSpec | undefined };
  const producers = new Map<SharedId, SliceId>();
  const producerOf = (id: SharedId): SliceId => {
    const known = producers.get(id);
    if (known !== undefined) return known;
    const share = ctx.shares.get(id);
    if (share?.built === undefined) throw new Error(`no shared plan ${id}`);
    const place = placeOf(share.chosen.dist);
    const made = finish(
      { op: share.built, place, spec: undefined },
      { kind: 'share', share: id, cols: keptColumns(share) },
    );
    producers.set(id, made);
    return made;
  };
  const gangOfShare: GangOf = (id) => {
    const dist = ctx.shares.get(id)?.chosen.dist;
    const producer = producers.get(id);
    return dist === undefined || producer === undefined || !isPartitioned(dist)
      ? undefined
      : slices[producer].gang;
  };
  const finish = (p: Pending, top: SliceSink): SliceId => {
    const children = new Map<MotionId, SliceId>();
    const motionIds = new Map<MotionId, MotionId>();
    const op = transformPhysical(p.op, (o) => {
      if (o.kind === 'sharedScan') return { ...o, fromSlice: producerOf(o.share) };
      if (o.kind !== 'receive') return o;
      const spec = ctx.motions.get(o.motion);
      if (spec === undefined) throw new Error(`no motion ${o.motion}`);
      const from = finish({ op: spec.input, place: spec.from, spec }, top);
      const motion = (from + 1) as number as MotionId;
      children.set(o.motion, from);
      motionIds.set(o.motion, motion);
      return { ...o, motion, fromSlice: from };
    });
    const id = slices.length as SliceId;
    for (const [, from] of children) {
      const s = slices[from];
      if (s.sink.kind === 'motion') slices[from] = { ...s, sink: { ...s.sink, to: id } };
    }
    slices.push({ id, root: op, sink: sinkOf(p.spec, id, top), gang: gangOf(ctx, p, gangOfShare) });
    return id;
  };
  finish({ op: root, place, spec: undefined }, sink);
  return withReadersGangs(ctx, slices);
}

function sinkOf(spec: MotionSpec | undefined, id: SliceId, top: SliceSink): SliceSink {
  if (spec === undefined) return top;
  const motion = (id + 1) as number as MotionId;
  const to = -1 as SliceId;
  return spec.mode === 'hash'
    ? { kind: 'motion', motion, to, mode: 'hash', keys: spec.keys, cols: spec.cols }
    : { kind: 'motion', motion, to, mode: spec.mode, cols: spec.cols };
}

/** Of a shared plan's partitioned rows; undefined: any segment may have some. */
type GangOf = (share: SharedId) => readonly SegmentId[] | undefined;

/** Copies of shared rows are made where they are read. */
function withReadersGangs(ctx: PhysicalContext, slices: readonly Slice[]): readonly Slice[] {
  const result = [...slices];
  // Readers come after what they read, so their own gangs are final.
  for (let i = result.length - 1; i >= 0; i--) {
    const { sink } = result[i];
    if (sink.kind !== 'share' || ctx.shares.get(sink.share)?.chosen.dist.kind !== 'replicated') continue;
    const read = new Set<SegmentId>();
    for (const s of result) if (sharesRead(s.root).includes(sink.share)) for (const g of s.gang) read.add(g);
    result[i] = { ...result[i], gang: [...read].sort((a, b) => a - b) };
  }
  return result;
}

function gangOf(
  ctx: PhysicalContext,
  p: { readonly op: PhysicalOp; readonly place: Place },
  gangOfShare: GangOf,
): readonly SegmentId[] {
  if (p.place === 'master') return [MASTER];
  if (p.place === 'one') return [ctx.segments[0]];
  const rows = segmentsWithRows(ctx, p.op, gangOfShare);
  if (rows === undefined) return ctx.segments;
  return rows.length === 0 ? [ctx.segments[0]] : rows;
}

/** Segments on which the operator can give rows that matter; undefined: any. A slice that receives rows by hash or
 *  round robin must run wherever they are sent. */
function segmentsWithRows(
  ctx: PhysicalContext,
  op: PhysicalOp,
  gangOfShare: GangOf,
): readonly SegmentId[] | undefined {
  switch (op.kind) {
    case 'scan':
      return ctx.targets.get(op.id);
    case 'receive':
    case 'values':
    case 'virtualScan':
      return undefined;
    case 'sharedScan': {
      const gang = gangOfShare(op.share);
      return gang === undefined || gang.length === ctx.segmentCount ? undefined : gang;
    }
    case 'hashJoin':
    case 'nestedLoop': {
      if (receivesSpread(ctx, op)) return undefined;
      const probe = segmentsWithRows(ctx, op.probe, gangOfShare);
      const build = segmentsWithRows(ctx, op.build, gangOfShare);
      switch (op.type) {
        case 'inner':
        case 'semi':
        case 'rightSemi':
          return probe === undefined
            ? build
            : build === undefined
              ? probe
              : probe.filter((s) => build.includes(s));
        case 'left':
        case 'anti':
        case 'mark':
        case 'single':
          return probe;
        case 'right':
        case 'rightAnti':
          return build;
        case 'full':
          return undefined;
      }
      break;
    }
    case 'append': {
      const all = op.inputs.map((i) => segmentsWithRows(ctx, i, gangOfShare));
      if (all.some((s) => s === undefined)) return undefined;
      return ctx.segments.filter((s) => all.some((x) => x?.includes(s)));
    }
    default:
      return segmentsWithRows(ctx, physicalInputs(op)[0], gangOfShare);
  }
}

function receivesSpread(ctx: PhysicalContext, op: PhysicalOp): boolean {
  if (op.kind === 'receive') {
    const mode = ctx.motions.get(op.motion)?.mode;
    return mode === 'hash' || mode === 'random';
  }
  return physicalInputs(op).some((i) => receivesSpread(ctx, i));
}
