/** IP addresses as bytes, and masks over them. */
import { isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

export type Address = Uint8Array;

/** 4 or 16 bytes; undefined for what is no address. IPv4 in IPv6 (`::ffff:a.b.c.d`) is IPv4: a socket for both kinds
 *  shows its IPv4 clients so. */
export function parseAddress(text: string): Address | undefined {
  const plain = text.replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 0) return undefined;
  if (version === 4) return Uint8Array.from(plain.split('.').map(Number));
  const bytes = v6Bytes(plain);
  const mapped = bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}

function v6Bytes(text: string): Uint8Array {
  const [head, tail] = text.split('::') as [string, string | undefined];
  const words = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((w) => {
          if (!isIPv4(w)) return [Number.parseInt(w, 16)];
          const [a, b, c, d] = w.split('.').map(Number) as [number, number, number, number];
          return [a * 256 + b, c * 256 + d];
        });
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((w) => [w >> 8, w & 255]));
}

/** The mask of `/bits`; undefined when there are not so many. */
export function maskOf(bits: number, size: number): Address | undefined {
  if (!Number.isInteger(bits) || bits < 0 || bits > size * 8) return undefined;
  return Uint8Array.from({ length: size }, (_, i) => {
    const ones = Math.min(8, Math.max(0, bits - i * 8));
    return (0xff00 >> ones) & 0xff;
  });
}

export function inRange(address: Address, range: Address, mask: Address): boolean {
  if (address.length !== range.length) return false;
  return address.every((b, i) => ((b ^ range[i]!) & mask[i]!) === 0);
}

export function isLoopback(address: Address): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((b, i) => b === (i === 15 ? 1 : 0));
}

/** An address of this host (`host`), or of a network that it is in (`net`). */
export function isOurs(address: Address, which: 'host' | 'net'): boolean {
  return Object.values(networkInterfaces()).some((list) =>
    (list ?? []).some((i) => {
      const own = parseAddress(i.address);
      const mask = which === 'host' ? undefined : parseAddress(i.netmask);
      if (own === undefined) return false;
      return inRange(address, own, mask?.length === own.length ? mask : maskOf(own.length * 8, own.length)!);
    }),
  );
}

/** As a mask is written: a dotted quad, or hexadecimal words with the longest run of zeros left out. */
export function addressText(address: Address): string {
  if (address.length === 4) return address.join('.');
  const words = Array.from({ length: 8 }, (_, i) =>
    ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16),
  );
  const runs = [...words.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].sort(
    (a, b) => b[0].length - a[0].length,
  );
  const [run] = runs;
  if (run === undefined) return words.join(':');
  const text = words.join(':');
  const before = text.slice(0, run.index).replace(/:$/, '');
  const after = text.slice(run.index + run[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}
