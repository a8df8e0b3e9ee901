/** Text form of float4 and float8.
 *
 *  Owns: shortest output that reads back as the same number, and input. Source: PostgreSQL, float.c; its
 *  `double_to_shortest_decimal`: plain digits for exponents -4..14 (float4: -4..5), otherwise d.ddde+XX. */
import { SqlError } from './sql-error.js';

function layout(mantissa: string, exponent: number, plainBelow: number): string {
  const digits = mantissa.replace('.', '');
  if (exponent < -4 || exponent >= plainBelow) {
    const e = Math.abs(exponent);
    const tail = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${tail}e${exponent < 0 ? '-' : '+'}${e < 10 ? '0' : ''}${e}`;
  }
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function special(v: number): string | undefined {
  if (Number.isNaN(v)) return 'NaN';
  if (v === Infinity) return 'Infinity';
  if (v === -Infinity) return '-Infinity';
  if (v === 0) return Object.is(v, -0) ? '-0' : '0';
  return undefined;
}

function fromExponential(text: string, plainBelow: number, trim: boolean): string {
  const negative = text.startsWith('-');
  const at = text.indexOf('e');
  let mantissa = text.slice(negative ? 1 : 0, at);
  if (trim && mantissa.includes('.')) mantissa = mantissa.replace(/\.?0+$/, '');
  return (negative ? '-' : '') + layout(mantissa, Number(text.slice(at + 1)), plainBelow);
}

/** `extraFloatDigits` above 0 means shortest exact; otherwise 15 + that many significant digits. */
export function formatFloat8(v: number, extraFloatDigits = 1): string {
  const known = special(v);
  if (known !== undefined) return known;
  if (extraFloatDigits > 0) {
    // JavaScript's plain form is PostgreSQL's in this span.
    const magnitude = v < 0 ? -v : v;
    if (magnitude >= 1e-4 && magnitude < 1e15) return `${v}`;
    return fromExponential(shortestFloat8(v), 15, false);
  }
  const precision = Math.max(1, 15 + extraFloatDigits);
  return fromExponential(v.toExponential(precision - 1), precision, true);
}

/** JavaScript accepts a shorter number that lies exactly half-way to the neighbour; PostgreSQL's Ryu does not.
 *  Only whole numbers past 2^53 have short midpoints. */
function shortestFloat8(v: number): string {
  const text = v.toExponential();
  const magnitude = Math.abs(v);
  if (magnitude < 2 ** 53 || magnitude >= 1e40) return text;
  const exact = BigInt(magnitude);
  const ulp = BigInt(2 ** (Math.floor(Math.log2(magnitude)) - 52));
  for (let candidate = text; ; ) {
    const [mantissa, exponent] = candidate.replace('-', '').split('e') as [string, string];
    const digits = mantissa.replace('.', '');
    const shift = Number(exponent) - digits.length + 1;
    if (shift < 0 || digits.length >= 17) return candidate;
    const distance = BigInt(digits) * 10n ** BigInt(shift) - exact;
    if ((distance < 0n ? -distance : distance) * 2n !== ulp) return candidate;
    candidate = v.toExponential(digits.length);
  }
}

/** `precision` significant digits of a float4, ties to even: its exact expansion decides. */
function roundedExponential(v: number, precision: number): string {
  const nearest = v.toExponential(precision - 1);
  // Only a number that ends in 5 one digit later can be a tie.
  const longer = v.toExponential(precision);
  if (longer[longer.indexOf('e') - 1] !== '5' || Number(longer) !== v) return nearest;
  const exact = v.toExponential(40);
  const at = exact.indexOf('e');
  const point = exact.indexOf('.');
  const cut = precision === 1 ? point + 1 : point + precision;
  if (!/^50*$/.test(exact.slice(cut, at))) return nearest;
  const kept = exact.slice(0, cut).replace(/\.$/, '');
  return Number(kept.at(-1)) % 2 === 0 ? kept + exact.slice(at) : nearest;
}

/** The same number of digits, one more in the last place. */
function nextDigit(text: string): string {
  const [mantissa, exponent] = text.split('e') as [string, string];
  const digits = mantissa.replace(/[-.]/g, '');
  const next = `${Number(digits) + 1}`;
  if (next.length > digits.length) return text;
  return `${mantissa.startsWith('-') ? '-' : ''}${next[0]}${next.length > 1 ? `.${next.slice(1)}` : ''}e${exponent}`;
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/** Whether `candidate` lies strictly between the midpoints to the neighbours of the float4 `v`. */
function readsBack(candidate: number, v: number): boolean {
  if (Math.fround(candidate) !== v) return false;
  scratch[0] = Math.abs(v);
  const m = scratch[0]!;
  scratchBits[0]!++;
  const above = (m + scratch[0]!) / 2;
  scratchBits[0]! -= 2;
  const below = (m + scratch[0]!) / 2;
  const c = Math.abs(candidate);
  return c > below && (c < above || !Number.isFinite(above));
}

export function formatFloat4(v: number, extraFloatDigits = 1): string {
  const known = special(v);
  if (known !== undefined) return known;
  if (extraFloatDigits > 0) {
    // Six digits of a normal float4 always tell it apart, so shorter forms show as trailing zeros.
    const normal = Math.abs(v) >= 1.1754943508222875e-38;
    for (let precision = normal ? 6 : 1; precision <= 9; precision++) {
      let text = roundedExponential(v, precision);
      // Below a power of two the neighbours are nearer: the digit above may fit where the nearest does not.
      if (precision < 9 && !readsBack(Number(text), v)) text = nextDigit(text);
      if (precision === 9 || readsBack(Number(text), v)) return fromExponential(text, 6, true);
    }
  }
  const precision = Math.max(1, 6 + extraFloatDigits);
  return fromExponential(v.toExponential(precision - 1), precision, true);
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Reads float4 (`kind` 'float4') or float8. 22P02 for what is no number, 22003 for overflow and underflow. */
export function parseFloatText(text: string, kind: 'float4' | 'float8'): number {
  const name = kind === 'float4' ? 'real' : 'double precision';
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) {
    const wide = Number(trimmed);
    const v = kind === 'float4' ? Math.fround(wide) : wide;
    if (!Number.isFinite(v) || (v === 0 && /[1-9]/.test(trimmed.replace(/[eE].*$/, ''))))
      throw new SqlError('22003', `"${trimmed}" is out of range for type ${name}`);
    return v;
  }
  switch (trimmed.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'infinity':
    case '+infinity':
    case 'inf':
    case '+inf':
      return Infinity;
    case '-infinity':
    case '-inf':
      return -Infinity;
    default:
      throw new SqlError('22P02', `invalid input syntax for type ${name}: "${text}"`);
  }
}
