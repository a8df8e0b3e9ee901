/** The worker's half of host calls: arguments from memory to values, the TypeScript function, its result back.
 *
 *  Owns: the import `host.call`. Runs in workers; an exception passes through the compiled code and ends the query.
 *  A result string goes to temp space; when it does not fit there, the call returns 2 and the compiled code asks for
 *  it again (index -1) with room that it allocated. */
import { BroadcastChannel } from 'node:worker_threads';
import { namedCatalog, type Signal } from '../../types/functions/catalog-names.js';
import { functionById } from '../../types/functions/registry.js';
import type { FunctionContext, FunctionDef } from '../../types/functions/registry-types.js';
import { checkInterrupts } from '../../types/interrupt.js';
import type { MemoryPool } from '../../types/memory.js';
import type { Repr, SqlType } from '../../types/sql-type.js';
import { isInterval, isNumeric, type Value } from '../../types/value.js';
import { decodeVarNumeric, encodeVarNumeric } from '../../types/var-numeric.js';
import type { EvalSettings, HostCall } from '../api.js';
import { WS } from '../layout.js';
import { hostHelpers } from './host-helpers.js';
import { HOST_SLOT_BYTES } from './host-layout.js';

export type HostImports = { readonly call: (index: number, ws: number, args: number) => number };

type Reader = (at: number) => Value;
type Call = {
  readonly strict: boolean;
  readonly readers: readonly Reader[];
  readonly run: (args: readonly Value[]) => Value;
  readonly write: (ws: number, v: Value) => number;
};

const I64_MASK = (1n << 64n) - 1n;

export function makeHostImports(
  hostCalls: readonly HostCall[],
  memory: Pick<MemoryPool, 'u8'>,
  settings: EvalSettings,
  functions: (id: string) => FunctionDef | undefined = functionById,
): HostImports {
  const { catalogNames } = settings;
  const context: FunctionContext =
    catalogNames === undefined ? settings : { ...settings, catalog: namedCatalog(catalogNames, sendSignal) };
  const buffer = memory.u8.buffer;
  const view = new DataView(buffer);
  const bytes = Buffer.from(buffer);
  const calls: (Call | undefined)[] = hostCalls.map(() => undefined);
  let waiting: Uint8Array = bytes.subarray(0, 0);

  function reader(type: SqlType, repr: Repr): Reader {
    switch (repr) {
      case 'i32':
        if (type.kind === 'bool') return (at) => view.getInt32(at, true) !== 0;
        if (type.kind === 'oid' || type.kind.startsWith('reg')) return (at) => view.getUint32(at, true);
        return (at) => view.getInt32(at, true);
      case 'i64':
        if (type.kind === 'numeric') {
          const scale = type.scale ?? 0;
          return (at) => ({ unscaled: view.getBigInt64(at, true), scale });
        }
        return (at) => view.getBigInt64(at, true);
      case 'i128': {
        const scale = type.kind === 'numeric' ? (type.scale ?? 0) : 0;
        return (at) => ({
          unscaled: (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true),
          scale,
        });
      }
      case 'f32':
        return (at) => view.getFloat32(at, true);
      case 'f64':
        return (at) => view.getFloat64(at, true);
      case 'interval':
        return (at) => ({
          micros: view.getBigInt64(at, true),
          days: view.getInt32(at + 8, true),
          months: view.getInt32(at + 12, true),
        });
      case 'str':
        if (type.kind === 'numeric')
          return (at) => {
            const start = view.getUint32(at, true);
            return decodeVarNumeric(bytes, start, start + view.getUint32(at + 4, true));
          };
        if (type.kind === 'bytea')
          return (at) => {
            const start = view.getUint32(at, true);
            // A copy: the function may keep it, the memory is shared.
            return Uint8Array.prototype.slice.call(bytes, start, start + view.getUint32(at + 4, true));
          };
        return (at) => {
          const start = view.getUint32(at, true);
          return bytes.toString('utf8', start, start + view.getUint32(at + 4, true));
        };
    }
  }

  /** Room in temp space, or 0. */
  function temp(ws: number, size: number): number {
    const next = view.getUint32(ws + WS.tempNext, true);
    const after = next + ((size + 7) & ~7);
    if (next === 0 || after > view.getUint32(ws + WS.tempEnd, true)) return 0;
    view.setUint32(ws + WS.tempNext, after, true);
    return next;
  }

  function writeRef(ws: number, at: number, length: number): void {
    view.setUint32(ws + WS.hostResult, at, true);
    view.setUint32(ws + WS.hostResult + 4, length, true);
  }

  function writeBytes(ws: number, data: Uint8Array): number {
    const at = temp(ws, data.length);
    if (at === 0 && data.length > 0) {
      waiting = data;
      view.setUint32(ws + WS.hostResult, data.length, true);
      return 2;
    }
    bytes.set(data, at);
    writeRef(ws, at, data.length);
    return 0;
  }

  function writeText(ws: number, text: string): number {
    const size = Buffer.byteLength(text);
    if (size === 0) {
      writeRef(ws, 0, 0);
      return 0;
    }
    const at = temp(ws, size);
    if (at === 0) return writeBytes(ws, Buffer.from(text));
    // The length is given because Node 20 writes nothing where more than 2 GiB of the buffer follow.
    bytes.write(text, at, size);
    writeRef(ws, at, size);
    return 0;
  }

  function writer(type: SqlType, repr: Repr): (ws: number, v: Value) => number {
    const wrong = (v: Value): never => {
      throw new Error(`a function gave ${typeof v} for ${type.kind} (${repr})`);
    };
    const write = (ws: number, v: Value): number | undefined => {
      const at = ws + WS.hostResult;
      switch (repr) {
        case 'i32':
          view.setInt32(at, typeof v === 'boolean' ? (v ? 1 : 0) : (v as number), true);
          return;
        case 'i64':
          view.setBigInt64(at, unscaledOf(type, v, wrong), true);
          return;
        case 'i128': {
          const n = unscaledOf(type, v, wrong);
          view.setBigUint64(at, n & I64_MASK, true);
          view.setBigInt64(at + 8, n >> 64n, true);
          return;
        }
        case 'f32':
          view.setFloat32(at, v as number, true);
          return;
        case 'f64':
          view.setFloat64(at, v as number, true);
          return;
        case 'interval':
          if (!isInterval(v)) return wrong(v);
          view.setBigInt64(at, v.micros, true);
          view.setInt32(at + 8, v.days, true);
          view.setInt32(at + 12, v.months, true);
          return;
        case 'str':
          if (typeof v === 'string') return writeText(ws, v);
          if (v instanceof Uint8Array) return writeBytes(ws, v);
          if (isNumeric(v)) return writeBytes(ws, encodeVarNumeric(v));
          return wrong(v);
      }
    };
    return (ws, v) => (v === null ? 1 : (write(ws, v) ?? 0));
  }

  function prepare(call: HostCall): Call {
    const readers = call.argTypes.map((t, i) => reader(t, call.argReprs[i]));
    const write = writer(call.type, call.resultRepr);
    const helper = hostHelpers[call.fn];
    if (helper !== undefined)
      return { strict: call.strict, readers, write, run: (args) => helper(args, call.argTypes, context) };
    const def = functions(call.fn);
    if (def === undefined) throw new Error(`unknown function ${call.fn}`);
    return {
      strict: call.strict,
      readers,
      write,
      run: (args) => def.impl(args, context, call.argTypes, call.type),
    };
  }

  return {
    call(index, wsSigned, argsSigned) {
      const ws = wsSigned >>> 0;
      const at = argsSigned >>> 0;
      if (index === -1) {
        bytes.set(waiting, at);
        writeRef(ws, at, waiting.length);
        return 0;
      }
      // A morsel of slow calls can last; between two of them it ends when nobody waits for it.
      checkInterrupts();
      calls[index] ??= prepare(hostCalls[index]);
      const call = calls[index];
      const { readers, strict } = call;
      const args: Value[] = new Array(readers.length);
      for (let i = 0; i < readers.length; i++) {
        const slot = at + i * HOST_SLOT_BYTES;
        args[i] = !strict && view.getInt32(slot, true) !== 0 ? null : readers[i](slot + 8);
      }
      return call.write(ws, call.run(args));
    },
  };
}

/** To the thread that has the sessions. */
function sendSignal(name: string, signal: Signal): void {
  const channel = new BroadcastChannel(name);
  channel.postMessage(signal);
  channel.close();
}

/** The integer inside, at the type's scale. */
function unscaledOf(type: SqlType, v: Value, wrong: (v: Value) => never): bigint {
  if (typeof v === 'bigint') return v;
  if (typeof v === 'number') return BigInt(v);
  if (!isNumeric(v) || type.kind !== 'numeric') return wrong(v);
  if ('special' in v) return wrong(v);
  const scale = type.scale ?? 0;
  if (v.scale === scale) return v.unscaled;
  if (v.scale < scale) return v.unscaled * 10n ** BigInt(scale - v.scale);
  return wrong(v);
}
