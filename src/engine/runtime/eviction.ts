/** A worker that finds no memory asks the main thread, which alone can evict the buffer pool's columns.
 *
 *  Owns: the request and its answer, through words in the shared memory's header. Invariants: the worker waits for a
 *  bounded time (the main thread never blocks, but may be busy); a request that could free nothing is answered so. */
import { EVICTION_WORDS, type SharedMemory } from './shared-memory.js';

/** Bytes wanted, in 4 KiB; requests answered; 4 KiB freed by the last answer. */
const WANTED = EVICTION_WORDS;
const ANSWERS = EVICTION_WORDS + 1;
const FREED = EVICTION_WORDS + 2;
const WAIT_MS = 1000;

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: false } | { readonly async: true; readonly value: Promise<string> };
const { waitAsync } = Atomics as unknown as { readonly waitAsync: WaitAsync };

/** In a worker: false when nothing more can be evicted. */
export function requestEviction({ i32 }: SharedMemory, bytes: number): boolean {
  const answers = Atomics.load(i32, ANSWERS);
  Atomics.add(i32, WANTED, Math.ceil(bytes / 4096));
  Atomics.notify(i32, WANTED);
  if (Atomics.wait(i32, ANSWERS, answers, WAIT_MS) === 'timed-out') return false;
  return Atomics.load(i32, FREED) > 0;
}

/** In the main thread, once: answers requests as long as the process lives. */
export function serveEvictions(memory: SharedMemory): void {
  const { i32 } = memory;
  const serve = (): void => {
    const wanted = Atomics.exchange(i32, WANTED, 0);
    if (wanted > 0) {
      Atomics.store(i32, FREED, Math.ceil(memory.evict(wanted * 4096) / 4096));
      Atomics.add(i32, ANSWERS, 1);
      Atomics.notify(i32, ANSWERS);
    }
    const next = waitAsync(i32, WANTED, 0);
    if (next.async) void next.value.then(serve);
    else queueMicrotask(serve);
  };
  serve();
}
