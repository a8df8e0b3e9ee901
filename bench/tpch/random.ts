/**
 * The random number streams of the TPC-H generator. Each column has one stream, and each row of the table
 * owns a fixed number of draws of it, used or not: so any row's first draw is found by skipping, without
 * generating the rows before it. That is what lets chunks be made in any order, on any worker.
 * Source: Lehmer's generator, Park and Miller, CACM 31(10), 1988.
 */

const MODULUS = 2147483647; // 2^31 - 1, a prime: a seed is never 0
const MULTIPLIER = 16807;

/** a * b mod 2^31-1 for operands below 2^31; every intermediate stays below 2^53. */
export function mulMod(a: number, b: number): number {
  return fold(fold(a * (b >>> 15)) * 32768 + a * (b & 0x7fff));
}

/** x mod 2^31-1 for x below 2^61, as 2^31 is 1 in this field. */
function fold(x: number): number {
  const high = Math.floor(x / 2147483648);
  const folded = x - high * 2147483648 + high;
  return folded >= MODULUS ? folded - MODULUS : folded;
}

/** MULTIPLIER ^ exponent mod 2^31-1. */
function powMod(exponent: number): number {
  let result = 1;
  let square = MULTIPLIER;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = mulMod(result, square);
    square = mulMod(square, square);
  }
  return result;
}

/** What a column needs of its stream. */
export type RandomStream = {
  /** A value in [low, high], both ends included. */
  uniform(low: number, high: number): number;
  /** To the first draw of the next row. */
  nextRow(): void;
  skipRows(rows: number): void;
};

export class RowRandom implements RandomStream {
  private seed: number;
  private rowSeed: number;
  private readonly rowStep: number;
  private readonly drawsPerRow: number;

  constructor(seed: number, drawsPerRow = 1) {
    this.seed = seed;
    this.rowSeed = seed;
    this.drawsPerRow = drawsPerRow;
    this.rowStep = powMod(drawsPerRow);
  }

  /** The raw draw, in [1, 2^31-2]. */
  next(): number {
    // seed * 16807 mod 2^31-1 in 32-bit integer arithmetic: about three times as fast as a double's remainder.
    const seed = this.seed;
    const high = Math.imul(MULTIPLIER, seed >>> 16);
    const low = (Math.imul(MULTIPLIER, seed & 0xffff) + ((high & 0x7fff) << 16)) | 0;
    const sum = ((low & MODULUS) + (low >>> 31) + (high >>> 15)) | 0;
    const result = (sum & MODULUS) + (sum >>> 31);
    this.seed = result;
    return result;
  }

  uniform(low: number, high: number): number {
    // The order of the operations is the standard's: the product rounds differently otherwise.
    return low + Math.floor((this.next() / MODULUS) * (high - low + 1));
  }

  /** 31 random bits, negated: the standard's [0, 2^31-1] overflows an int to this, and depends on it. */
  bits(): number {
    return ((this.next() / MODULUS) * -2147483648) | 0;
  }

  nextRow(): void {
    this.rowSeed = mulMod(this.rowSeed, this.rowStep);
    this.seed = this.rowSeed;
  }

  skipRows(rows: number): void {
    this.rowSeed = mulMod(this.rowSeed, powMod(rows * this.drawsPerRow));
    this.seed = this.rowSeed;
  }

  /** Where the stream stands, for a checkpoint. */
  get state(): number {
    return this.seed;
  }
}

/**
 * Keys past 2^31 (scale factor 30000 and up) come from a 64-bit generator. The standard skips it with the
 * 32-bit generator's arithmetic, so the two must be mixed just so; hence the slow, literal form.
 */
export class RowRandom64 implements RandomStream {
  private seed: bigint;
  private draws = 0;
  private readonly drawsPerRow: number;

  constructor(seed: number, drawsPerRow = 1) {
    this.seed = BigInt(seed);
    this.drawsPerRow = drawsPerRow;
  }

  uniform(low: number, high: number): number {
    this.seed = BigInt.asIntN(64, this.seed * 6364136223846793005n + 1n);
    this.draws++;
    const magnitude = this.seed < 0n ? -this.seed : this.seed;
    return low + Number(magnitude % BigInt(high - low + 1));
  }

  nextRow(): void {
    this.advance(this.drawsPerRow - this.draws);
    this.draws = 0;
  }

  skipRows(rows: number): void {
    this.advance(this.drawsPerRow * rows);
  }

  private advance(draws: number): void {
    let square = BigInt(MULTIPLIER);
    for (let rest = draws; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) this.seed = BigInt.asIntN(64, square * this.seed) % BigInt(MODULUS);
      square = (square * square) % BigInt(MODULUS);
    }
  }
}
