/** The plan as EXPLAIN shows it: one tree over all slices, motions where receive meets sender.
 *
 *  Owns: what each node is called and which properties it shows, in PostgreSQL's and Greenplum's words. Text and JSON
 *  are two renderings of this tree. */
import { MASTER, type SharedId } from '../../types/ids.js';
import { unreachable } from '../../types/sql-error.js';
import { reprOf, typeName } from '../../types/sql-type.js';
import { typeWidth } from '../cost/derive.js';
import type { Column } from '../expr.js';
import type {
  DistributedPlan,
  HashAggOp,
  NodeId,
  PhysicalOp,
  PhysJoinType,
  ScanOp,
  SharedScanOp,
  Slice,
} from '../physical.js';
import { Names } from './names.js';

export type Property = {
  readonly name: string;
  readonly value: string | readonly string[];
  /** Shown with its count of rows, under this name, when the plan has run. */
  readonly counted?: { readonly name: string; readonly id: NodeId };
};

export type ExplainNode = {
  /** What its parent reads from it, when that is no input: a line of its own. */
  readonly title?: { readonly name: string; readonly place: string };
  readonly label: string;
  readonly type: string;
  /** undefined: a line without an operator of its own. */
  readonly id: NodeId | undefined;
  readonly rows: number;
  readonly cost: number;
  readonly width: number;
  readonly slice: number;
  readonly properties: readonly Property[];
  readonly verbose: readonly Property[];
  readonly motion: number | undefined;
  readonly children: readonly ExplainNode[];
};

export function explainTree(plan: DistributedPlan): ExplainNode {
  const names = new Names(plan);
  const top = plan.slices[plan.slices.length - 1];
  const tree = new Tree(plan, names);
  const root = tree.node(top.root, top);
  if (top.sink.kind !== 'insert') return root;
  return {
    label: `Insert on ${top.sink.table}`,
    type: 'ModifyTable',
    id: undefined,
    rows: top.root.rows,
    cost: top.root.cost,
    width: 0,
    slice: top.id,
    properties: [],
    verbose: tree.gang(top),
    motion: undefined,
    children: [root],
  };
}

const JOIN_WORDS: Record<PhysJoinType, string> = {
  inner: '',
  left: 'Left ',
  right: 'Right ',
  full: 'Full ',
  semi: 'Semi ',
  anti: 'Anti ',
  mark: 'Mark ',
  single: 'Single ',
  rightSemi: 'Right Semi ',
  rightAnti: 'Right Anti ',
};

const STAGE = { single: '', partial: 'Partial ', combine: 'Combine ', final: 'Finalize ' } as const;

class Tree {
  private readonly plan: DistributedPlan;
  private readonly names: Names;
  private readonly shown = new Set<SharedId>();
  /** Of what the optimizer shares, in the order in which it is shown. */
  private readonly numbers = new Map<SharedId, number>();

  constructor(plan: DistributedPlan, names: Names) {
    this.plan = plan;
    this.names = names;
  }

  gang(s: Slice): readonly Property[] {
    const where = s.gang[0] === MASTER ? 'master' : `segments ${s.gang.join(', ')}`;
    return [{ name: 'Slice', value: `${s.id} on ${where}` }];
  }

  node(op: PhysicalOp, slice: Slice): ExplainNode {
    const { names } = this;
    const base = {
      id: op.id,
      rows: op.rows,
      cost: op.cost,
      width: op.cols.reduce((n, c) => n + typeWidth(c.type), 0),
      slice: slice.id,
      verbose: this.output(op.cols),
      motion: undefined,
    };
    const p = (name: string, value: string | readonly string[]): Property => ({ name, value });
    const plain = (
      label: string,
      properties: readonly Property[],
      children: readonly PhysicalOp[],
    ): ExplainNode => ({
      ...base,
      label,
      type: label,
      properties,
      children: children.map((c) => this.node(c, slice)),
    });
    const filterOf = (e: Parameters<Names['expr']>[0] | undefined, name = 'Filter'): readonly Property[] =>
      e === undefined ? [] : [p(name, names.expr(e))];
    switch (op.kind) {
      case 'scan':
      case 'virtualScan': {
        const alias = names.aliases.get(op.id) ?? op.table;
        const as = alias === op.table ? '' : ` ${alias}`;
        const zone =
          op.kind === 'scan' && op.zone.length > 0
            ? [
                p(
                  'Zone',
                  op.zone
                    .map((z) => {
                      const c = op.scanCols[op.ordinals.indexOf(z.ordinal)];
                      const value = z.value === undefined ? '' : ` ${names.expr(z.value)}`;
                      const test = z.op === 'isnull' ? 'IS NULL' : z.op === 'notnull' ? 'IS NOT NULL' : z.op;
                      return `${c === undefined ? `#${z.ordinal}` : names.column(c)} ${test}${value}`;
                    })
                    .join(', '),
                ),
              ]
            : [];
        return {
          ...base,
          label: `Seq Scan on ${op.table}${as}`,
          type: 'Seq Scan',
          properties: op.kind === 'scan' ? [...filterOf(op.filter), ...this.runtimeFilters(op)] : [],
          verbose: [...base.verbose, ...zone],
          children: [],
        };
      }
      case 'sharedScan':
        return this.sharedScan(op, base);
      case 'values':
        return plain(op.valueRows.length === 1 ? 'Result' : 'Values Scan', [], []);
      case 'receive':
        return this.motion(op, slice);
      case 'filter':
        return plain('Filter', filterOf(op.predicate), [op.input]);
      case 'project':
        return plain('Project', [], [op.input]);
      case 'hashJoin': {
        const cond = op.probeKeys.map((k, i) => {
          const sign = op.nullSafe[i] ? 'IS NOT DISTINCT FROM' : '=';
          return `${names.expr(k)} ${sign} ${names.expr(op.buildKeys[i])}`;
        });
        const word = op.type === 'inner' ? 'Hash Join' : `Hash ${JOIN_WORDS[op.type]}Join`;
        // Shared rows are explained where they are first shown.
        const probe = this.node(op.probe, slice);
        const build = this.node(op.build, slice);
        return {
          ...base,
          label: op.nullAware ? `${word} (null-aware)` : word,
          type: word,
          properties: [p('Hash Cond', cond.join(' AND ')), ...filterOf(op.residual, 'Join Filter')],
          children: [
            probe,
            {
              ...build,
              label: 'Hash',
              type: 'Hash',
              id: undefined,
              properties: [],
              verbose: [],
              motion: undefined,
              children: [build],
            },
          ],
        };
      }
      case 'nestedLoop': {
        const word = op.type === 'inner' ? 'Nested Loop' : `Nested Loop ${JOIN_WORDS[op.type]}Join`;
        return plain(op.nullAware ? `${word} (null-aware)` : word, filterOf(op.predicate, 'Join Filter'), [
          op.probe,
          op.build,
        ]);
      }
      case 'hashAgg':
        return plain(
          aggregateLabel(op),
          op.groups.length === 0 ? [] : [p('Group Key', op.groups.map((g) => names.column(g)).join(', '))],
          [op.input],
        );
      case 'sort': {
        const limit = op.limit === undefined ? [] : [p('Sort Method', `top-N, N = ${names.expr(op.limit)}`)];
        const distinct =
          op.distinctOn === undefined
            ? []
            : [
                p(
                  'Distinct On',
                  op.keys
                    .slice(0, op.distinctOn)
                    .map((k) => names.expr(k.expr))
                    .join(', '),
                ),
              ];
        const keep =
          op.keep === undefined
            ? []
            : [
                ...(op.keep.limit === undefined ? [] : [p('Limit', names.expr(op.keep.limit))]),
                ...(op.keep.offset === undefined ? [] : [p('Offset', names.expr(op.keep.offset))]),
              ];
        const label = op.keep?.ties === true ? 'Limit With Ties' : 'Group Limit';
        return plain(
          op.distinctOn === undefined ? 'Sort' : op.keep === undefined ? 'Unique' : label,
          [p('Sort Key', op.keys.map((k) => names.key(k)).join(', ')), ...limit, ...distinct, ...keep],
          [op.input],
        );
      }
      case 'limit': {
        const count = op.limit === undefined ? [] : [p('Limit', names.expr(op.limit))];
        const skip = op.offset === undefined ? [] : [p('Offset', names.expr(op.offset))];
        const node = plain('Limit', [], [op.input]);
        return { ...node, verbose: [...node.verbose, ...count, ...skip] };
      }
      case 'append':
        return plain('Append', [], op.inputs);
      case 'repeat':
        return plain(
          op.series === undefined ? 'Repeat' : 'Function Scan on generate_series',
          [p('Count', names.expr(op.count))],
          [op.input],
        );
      default:
        return unreachable(op);
    }
  }

  /** The first reader of shared rows in the tree shows how they come about. */
  private sharedScan(
    op: SharedScanOp,
    base: Omit<ExplainNode, 'label' | 'type' | 'properties' | 'children'>,
  ): ExplainNode {
    const alias = this.names.aliases.get(op.id) ?? op.name;
    const as = alias === op.name ? '' : ` ${alias}`;
    const number = this.numbers.get(op.share) ?? this.numbers.size + 1;
    if (op.name === undefined) this.numbers.set(op.share, number);
    const label = op.name === undefined ? `Shared Scan ${number}` : `CTE Scan on ${op.name}${as}`;
    const type = op.name === undefined ? 'Shared Scan' : 'CTE Scan';
    const producer = this.plan.slices.find((s) => s.id === op.fromSlice);
    if (producer === undefined) throw new Error(`slice ${op.fromSlice} shares nothing`);
    const seen = this.shown.has(op.share);
    this.shown.add(op.share);
    const children = seen
      ? []
      : [
          {
            ...this.node(producer.root, producer),
            title: {
              name: op.name === undefined ? `Shared ${number}` : `CTE ${op.name}`,
              place: placeOf(producer),
            },
          },
        ];
    return { ...base, label, type, properties: [], verbose: base.verbose, children };
  }

  private runtimeFilters(op: ScanOp): readonly Property[] {
    return (op.runtimeFilters ?? []).map((u) => ({
      name: 'Runtime Filter',
      value: `${this.names.column(u.column)} IN ${this.names.expr(u.source)} (${u.filter.kind === 'range' ? 'bitmap' : 'bloom'}, ${u.filter.bits} bits${u.from === undefined ? '' : `, from slice${u.from}`})`,
      counted: { name: 'Rows Removed by Runtime Filter', id: u.id },
    }));
  }

  private motion(op: Extract<PhysicalOp, { kind: 'receive' }>, receiver: Slice): ExplainNode {
    const sender = this.plan.slices.find((s) => s.id === op.fromSlice);
    if (sender === undefined || sender.sink.kind !== 'motion')
      throw new Error(`slice ${op.fromSlice} has no motion`);
    const { sink } = sender;
    const word =
      sink.mode === 'gather'
        ? 'Gather Motion'
        : sink.mode === 'broadcast'
          ? 'Broadcast Motion'
          : 'Redistribute Motion';
    const properties: Property[] = [];
    if (op.merge !== undefined)
      properties.push({ name: 'Merge Key', value: op.merge.map((k) => this.names.key(k)).join(', ') });
    if (sink.mode === 'hash') properties.push({ name: 'Hash Key', value: this.names.list(sink.keys) });
    return {
      label: `${word} ${sender.gang.length}:${receiver.gang.length}  ${placeOf(sender)}`,
      type: word,
      id: op.id,
      rows: op.rows,
      cost: op.cost,
      width: op.cols.reduce((n, c) => n + typeWidth(c.type), 0),
      slice: receiver.id,
      properties,
      verbose: [...this.output(op.cols), ...this.gang(sender)],
      motion: op.motion,
      children: [this.node(sender.root, sender)],
    };
  }

  private output(cols: readonly Column[]): readonly Property[] {
    if (cols.length === 0) return [];
    const shown = cols.map((c) => {
      const range = c.range === undefined ? '' : ` ${c.range.min}..${c.range.max}`;
      return `${this.names.column(c)} ${typeName(c.type)}/${reprOf(c.type, c.range)}${range}${c.nullable ? '' : ' not null'}`;
    });
    return [
      { name: 'Output', value: cols.map((c) => this.names.column(c)).join(', ') },
      { name: 'Representation', value: shown.join(', ') },
    ];
  }
}

function placeOf(s: Slice): string {
  const on = s.gang[0] === MASTER ? 'master' : `segments: ${s.gang.length}`;
  return `(slice${s.id}; ${on})`;
}

function aggregateLabel(op: HashAggOp): string {
  return `${STAGE[op.mode]}${op.groups.length === 0 ? 'Aggregate' : 'HashAggregate'}`;
}
