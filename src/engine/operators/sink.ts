/** The top of a slice: rows into out-chunks, by partition of the motion.
 *
 *  Hash motions keep an open chunk per receiver; the others one, which goes to partition 0 (gather, result, insert, share), to
 *  all (broadcast), or to the receivers in turn, chunk by chunk (random). Exports `flush(qs, ws)`, which makes the
 *  partly filled chunks of a worker ready. The number of receivers is `QS.receivers`. */

import { columnsOf } from '../../plan/expr-util.js';
import type { Slice, SliceSink } from '../../plan/physical.js';
import type { Emitter } from '../codegen/emitter.js';
import { distributionHash } from '../codegen/value-ops.js';
import { QS, WS } from '../layout.js';
import type { Local } from '../wasm/module-builder.js';
import { BROADCAST, ChunkWriter, ROWS } from './out-chunk.js';
import { type Consumer, type SliceCompiler, union } from './pipeline.js';

export function compileSink(c: SliceCompiler, slice: Slice): void {
  const { sink } = slice;
  c.produce(
    slice.root,
    sink.kind === 'motion' && sink.mode === 'hash' ? hashSink(c, sink) : singleSink(c, sink),
  );
}

function label(sink: SliceSink): string {
  return sink.kind === 'motion'
    ? `${sink.mode} motion ${sink.motion}`
    : sink.kind === 'share'
      ? 'shared rows'
      : sink.kind;
}

function singleSink(c: SliceCompiler, sink: SliceSink): Consumer {
  const open = c.ctx.allocWs(4, 4);
  const mode = sink.kind === 'motion' ? sink.mode : 'gather';
  const turn = c.ctx.allocWs(4, 4);
  const writer = new ChunkWriter(
    c,
    sink.cols,
    mode !== 'random'
      ? undefined
      : (e) => {
          // Workers start at different receivers.
          const { f, ws } = e;
          f.get(ws).mem('i32.load', turn).get(ws).mem('i32.load', WS.index).op('i32.add');
          pushReceivers(e);
          f.op('i32.rem_u');
          f.get(ws).get(ws).mem('i32.load', turn).i32(1).op('i32.add').mem('i32.store', turn);
        },
  );
  flushExport(c, (e) => finishOpen(e, writer, e.ws, open));
  return {
    needs: union(sink.cols.map((col) => col.id)),
    open(p) {
      const { e, f } = p;
      p.labels.push(label(sink));
      const chunk = f.local('i32');
      return {
        row() {
          f.get(p.ws).mem('i32.load', open).tee(chunk).op('i32.eqz');
          f.if(() => {
            f.i32(mode === 'broadcast' ? BROADCAST : 0);
            writer.pushNew(e);
            f.set(chunk).get(p.ws).get(chunk).mem('i32.store', open);
          });
          writer.append(e, chunk);
          f.if(() => {
            f.get(p.qs).get(p.ws).get(chunk).call(writer.finishChunk);
            f.get(p.ws).i32(0).mem('i32.store', open);
          });
        },
      };
    },
  };
}

function hashSink(
  c: SliceCompiler,
  sink: SliceSink & { readonly kind: 'motion'; readonly mode: 'hash' },
): Consumer {
  const table = c.ctx.allocWs(4, 4);
  const writer = new ChunkWriter(c, sink.cols);
  flushExport(c, (e) => {
    const { f } = e;
    const at = f.local('i32');
    const left = f.local('i32');
    f.get(e.ws).mem('i32.load', table).tee(at);
    f.if(() => {
      pushReceivers(e);
      f.set(left);
      f.loop((again) => {
        finishOpen(e, writer, at, 0);
        f.get(at).i32(4).op('i32.add').set(at);
        f.get(left).i32(1).op('i32.sub').tee(left).brIf(again);
      });
    });
  });
  return {
    needs: union(
      sink.cols.map((col) => col.id),
      ...sink.keys.map((k) => columnsOf(k)),
    ),
    open(p) {
      const { e, f } = p;
      p.labels.push(label(sink));
      const chunks = f.local('i32');
      const receivers = f.local('i32');
      pushReceivers(e);
      f.set(receivers);
      f.get(p.ws).mem('i32.load', table).tee(chunks).op('i32.eqz');
      f.if(() => {
        f.get(p.qs).get(receivers).i32(2).op('i32.shl').call(c.ctx.host.alloc).set(chunks);
        f.get(chunks).i32(0).get(receivers).i32(2).op('i32.shl').memoryFill();
        f.get(p.ws).get(chunks).mem('i32.store', table);
      });
      const chunk = f.local('i32');
      const partition = f.local('i32');
      const slot = f.local('i32');
      return {
        row() {
          const hash = distributionHash(
            e,
            sink.keys.map((k) => e.emit(k)),
          );
          f.get(hash).get(receivers).op('i32.rem_u').tee(partition);
          f.i32(2).op('i32.shl').get(chunks).op('i32.add').tee(slot).mem('i32.load').tee(chunk).op('i32.eqz');
          f.if(() => {
            f.get(partition);
            writer.pushNew(e);
            f.set(chunk).get(slot).get(chunk).mem('i32.store');
          });
          writer.append(e, chunk);
          f.if(() => {
            f.get(p.qs).get(p.ws).get(chunk).call(writer.finishChunk);
            f.get(slot).i32(0).mem('i32.store');
          });
        },
      };
    },
  };
}

/** At least one, so that a slice without a motion need not set it. */
function pushReceivers(e: Emitter): void {
  e.f.get(e.qs).mem('i32.load', QS.receivers).i32(1);
  e.f.get(e.qs).mem('i32.load', QS.receivers).op('select');
}

function flushExport(c: SliceCompiler, build: (e: Emitter) => void): void {
  c.namedStep('flush', build);
}

/** Finishes the open chunk whose address is stored at base + offset, if it has rows. */
function finishOpen(e: Emitter, writer: ChunkWriter, base: Local, offset: number): void {
  const { f } = e;
  const chunk = f.local('i32');
  f.get(base).mem('i32.load', offset).tee(chunk);
  f.if(() => {
    f.get(chunk).mem('i32.load', ROWS);
    f.if(() => f.get(e.qs).get(e.ws).get(chunk).call(writer.finishChunk));
    f.get(base).i32(0).mem('i32.store', offset);
  });
}
