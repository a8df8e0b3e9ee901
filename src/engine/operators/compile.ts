/** A slice -> one WebAssembly module: pipelines, their order, and the layout of the two state blocks. Pure. */
import type { PhysicalOp, Slice } from '../../plan/physical.js';
import { unreachable } from '../../types/sql-error.js';
import type { CompiledSlice, CompileEnv } from '../api.js';
import { SliceContext } from '../codegen/context.js';
import { produceAppend } from './append.js';
import { produceFilter } from './filter.js';
import { produceHashAgg } from './hash-agg.js';
import { produceHashJoin } from './hash-join.js';
import { produceLimit } from './limit.js';
import { produceNestedLoop } from './nested-loop.js';
import { type Consumer, SliceCompiler } from './pipeline.js';
import { produceProject } from './project.js';
import { produceRepeat } from './repeat.js';
import { produceReceive, produceScan, produceSharedScan, produceVirtualScan } from './scan.js';
import { compileSink } from './sink.js';
import { produceSort } from './sort.js';
import { produceValues } from './values.js';

export function compileSlice(slice: Slice, env: CompileEnv): CompiledSlice {
  const ctx = new SliceContext({ without: slice.without });
  const c = new SliceCompiler(ctx, env, produce);
  compileSink(c, slice);
  return {
    wasm: ctx.module.encode(),
    queryStateBytes: ctx.queryStateBytes,
    workerStateBytes: ctx.workerStateBytes,
    data: ctx.data,
    params: ctx.params,
    hostCalls: ctx.hostCalls,
    pipelines: c.pipelines.map((p) => p.describe()),
    publishes: c.publishes,
    counters: c.counters,
  };
}

function produce(c: SliceCompiler, op: PhysicalOp, consumer: Consumer): void {
  const counted = noted(c, op, consumer);
  switch (op.kind) {
    case 'scan':
      produceScan(c, op, counted);
      return;
    case 'virtualScan':
      produceVirtualScan(c, op, counted);
      return;
    case 'receive':
      produceReceive(c, op, counted);
      return;
    case 'values':
      produceValues(c, op, counted);
      return;
    case 'filter':
      produceFilter(c, op, counted);
      return;
    case 'project':
      produceProject(c, op, counted);
      return;
    case 'hashJoin':
      produceHashJoin(c, op, counted);
      return;
    case 'nestedLoop':
      produceNestedLoop(c, op, counted);
      return;
    case 'hashAgg':
      produceHashAgg(c, op, counted);
      return;
    case 'sort':
      produceSort(c, op, counted);
      return;
    case 'limit':
      produceLimit(c, op, counted);
      return;
    case 'append':
      produceAppend(c, op, counted);
      return;
    case 'repeat':
      produceRepeat(c, op, counted);
      return;
    case 'sharedScan':
      produceSharedScan(c, op, counted);
      return;
    default:
      unreachable(op);
  }
}

/** Notes the node in the pipelines it is part of, and counts its rows when asked to. */
function noted(c: SliceCompiler, op: PhysicalOp, consumer: Consumer): Consumer {
  let offset = 0;
  if (c.env.instrument) {
    offset = c.ctx.allocWs(8);
    c.counters.push({ node: op.id, offset });
  }
  return {
    needs: consumer.needs,
    open(p) {
      p.nodes.unshift(op.id);
      const body = consumer.open(p);
      if (!c.env.instrument) return body;
      return {
        row() {
          p.f.get(p.ws).get(p.ws).mem('i64.load', offset).i64(1n).op('i64.add').mem('i64.store', offset);
          body.row();
        },
        close: body.close,
      };
    },
  };
}
