/** Time zones: offset from UTC at an instant, local time to an instant, names and abbreviations.
 *
 *  Owns: resolution of zone names, a cache of each zone's transitions by year. Zone rules are the ICU data of Node.
 *  Invariants: offsets are seconds east of UTC; a local time that does not exist or exists twice resolves as in
 *  PostgreSQL (the offset before a gap, the offset after an overlap). Source: PostgreSQL, datetime.c,
 *  DetermineTimeZoneOffset; `timezone/tznames/Default` for abbreviations. */

export type Zone =
  | { readonly kind: 'fixed'; readonly name: string; readonly seconds: number }
  | { readonly kind: 'named'; readonly name: string };

const H = 3600;
/** Abbreviations of PostgreSQL's default set that people write; offset in seconds east of UTC. */
const ABBREVIATIONS: Readonly<Record<string, number>> = {
  utc: 0,
  ut: 0,
  uct: 0,
  gmt: 0,
  z: 0,
  zulu: 0,
  wet: 0,
  west: H,
  bst: H,
  cet: H,
  met: H,
  mez: H,
  cest: 2 * H,
  cetdst: 2 * H,
  mest: 2 * H,
  mesz: 2 * H,
  eet: 2 * H,
  sast: 2 * H,
  eest: 3 * H,
  msk: 3 * H,
  msd: 4 * H,
  ist: 2 * H,
  idt: 3 * H,
  pkt: 5 * H,
  hkt: 8 * H,
  sgt: 8 * H,
  awst: 8 * H,
  jst: 9 * H,
  kst: 9 * H,
  acst: 9.5 * H,
  acdt: 10.5 * H,
  aest: 10 * H,
  aedt: 11 * H,
  nzst: 12 * H,
  nzdt: 13 * H,
  nst: -3.5 * H,
  ndt: -2.5 * H,
  ast: -4 * H,
  adt: -3 * H,
  est: -5 * H,
  edt: -4 * H,
  cst: -6 * H,
  cdt: -5 * H,
  mst: -7 * H,
  mdt: -6 * H,
  pst: -8 * H,
  pdt: -7 * H,
  akst: -9 * H,
  akdt: -8 * H,
  hst: -10 * H,
  brt: -3 * H,
  art: -3 * H,
  clt: -4 * H,
};

/** Offset of an abbreviation such as `EST`, in seconds east; undefined when it is none. */
export function abbreviationOffset(name: string): number | undefined {
  return ABBREVIATIONS[name.toLowerCase()];
}

const zones = new Map<string, Zone | undefined>();

/** A zone by IANA name, abbreviation or POSIX form: `UTC+3` and a bare `+03` lie west of Greenwich. */
export function findZone(name: string): Zone | undefined {
  if (zones.has(name)) return zones.get(name);
  const zone = resolveZone(name);
  if (zones.size > 2000) zones.clear();
  zones.set(name, zone);
  return zone;
}

function resolveZone(name: string): Zone | undefined {
  const abbreviation = abbreviationOffset(name);
  if (abbreviation !== undefined) return { kind: 'fixed', name: name.toUpperCase(), seconds: abbreviation };
  const m = /^(?:([A-Za-z]{3,}|<[^>]+>))?([+-]?)(\d{1,2})(?::?(\d{2}))?(?::(\d{2}))?$/.exec(name);
  if (m !== null) {
    const magnitude = Number(m[3]) * 3600 + Number(m[4] ?? 0) * 60 + Number(m[5] ?? 0);
    if (magnitude > 168 * 3600) return undefined;
    // POSIX counts west of Greenwich positive.
    return { kind: 'fixed', name: m[1] ?? name, seconds: m[2] === '-' ? magnitude : -magnitude };
  }
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return undefined;
  try {
    const canonical = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
    return { kind: 'named', name: /^[a-z]/.test(name) ? canonical : name };
  } catch {
    return undefined;
  }
}

/** The name to keep for `SET timezone`: a bare number there is hours east of Greenwich, unlike in AT TIME ZONE. Undefined
 *  when there is no such zone (22023). */
export function timeZoneSetting(value: string): string | undefined {
  const m = /^\s*([+-]?)(\d+(?:\.\d*)?)\s*$/.exec(value);
  if (m === null) return findZone(value) === undefined ? undefined : value;
  const seconds = Math.round(Number(m[2]) * 3600);
  if (seconds > 167 * 3600) return undefined;
  const east = formatOffset(m[1] === '-' ? -seconds : seconds);
  const west = (m[1] === '-' ? '+' : '-') + east.slice(1);
  return `<${east}>${west}`;
}

type Transition = { readonly atSeconds: number; readonly before: number; readonly after: number };
type ZoneCache = {
  readonly formatter: Intl.DateTimeFormat;
  /** Transitions within a UTC year, ascending; and the offset at its start. */
  readonly years: Map<number, { readonly start: number; readonly transitions: readonly Transition[] }>;
};
const caches = new Map<string, ZoneCache>();

const SECONDS_PER_400_YEARS = 146097 * 86400;
/** 1600 .. 2400: outside of it Intl's dates are shifted by whole Gregorian cycles. */
const LOW = -11676096000;
const HIGH = 13569465600;

function intlOffset(cache: ZoneCache, utcSeconds: number): number {
  const cycles =
    utcSeconds < LOW
      ? Math.ceil((LOW - utcSeconds) / SECONDS_PER_400_YEARS)
      : utcSeconds >= HIGH
        ? -Math.ceil((utcSeconds - HIGH + 1) / SECONDS_PER_400_YEARS)
        : 0;
  const at = utcSeconds + cycles * SECONDS_PER_400_YEARS;
  let year = 0;
  let month = 0;
  let day = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  for (const part of cache.formatter.formatToParts(at * 1000)) {
    const n = Number(part.value);
    if (part.type === 'year') year = n;
    else if (part.type === 'month') month = n;
    else if (part.type === 'day') day = n;
    else if (part.type === 'hour') hour = n;
    else if (part.type === 'minute') minute = n;
    else if (part.type === 'second') second = n;
  }
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - at;
}

function cacheOf(zone: string): ZoneCache {
  let cache = caches.get(zone);
  if (cache === undefined) {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    cache = { formatter, years: new Map() };
    caches.set(zone, cache);
  }
  return cache;
}

const SECONDS_PER_YEAR = 31556952;

/** Transitions of one average Gregorian year; sampled weekly, so that a pair closer than that may be missed. */
function yearOf(cache: ZoneCache, index: number): { start: number; transitions: readonly Transition[] } {
  let entry = cache.years.get(index);
  if (entry !== undefined) return entry;
  const from = index * SECONDS_PER_YEAR;
  const start = intlOffset(cache, from);
  const transitions: Transition[] = [];
  let previous = start;
  let previousAt = from;
  for (let i = 1; i <= 52; i++) {
    const at = i === 52 ? from + SECONDS_PER_YEAR : from + i * 604800;
    const offset = intlOffset(cache, at);
    if (offset !== previous) {
      let low = previousAt;
      let high = at;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (intlOffset(cache, middle) === previous) low = middle;
        else high = middle;
      }
      transitions.push({ atSeconds: high, before: previous, after: intlOffset(cache, high) });
    }
    previous = offset;
    previousAt = at;
  }
  entry = { start, transitions };
  if (cache.years.size > 2000) cache.years.clear();
  cache.years.set(index, entry);
  return entry;
}

/** Seconds east of UTC in `zone` at the instant `utcSeconds` (since 1970-01-01 UTC). */
export function zoneOffset(zone: Zone, utcSeconds: number): number {
  if (zone.kind === 'fixed') return zone.seconds;
  const { start, transitions } = yearOf(cacheOf(zone.name), Math.floor(utcSeconds / SECONDS_PER_YEAR));
  let offset = start;
  for (const t of transitions) if (utcSeconds >= t.atSeconds) offset = t.after;
  return offset;
}

/** The offset with which a wall-clock time (seconds as if UTC) in `zone` is read. */
export function localOffset(zone: Zone, localSeconds: number): number {
  if (zone.kind === 'fixed') return zone.seconds;
  const cache = cacheOf(zone.name);
  const from = localSeconds - 86400;
  const index = Math.floor(from / SECONDS_PER_YEAR);
  const near = [...yearOf(cache, index).transitions];
  const last = Math.floor((localSeconds + 172800) / SECONDS_PER_YEAR);
  if (last !== index) near.push(...yearOf(cache, last).transitions);
  const next = near.find((t) => t.atSeconds > from);
  if (next === undefined) return zoneOffset(zone, from);
  const before = localSeconds - next.before;
  const after = localSeconds - next.after;
  if (before < next.atSeconds && after < next.atSeconds) return next.before;
  if (before > next.atSeconds && after >= next.atSeconds) return next.after;
  return before > after ? next.before : next.after;
}

const REGION_LOCALE: Readonly<Record<string, string>> = {
  Europe: 'en-GB',
  Australia: 'en-AU',
  Pacific: 'en-NZ',
  Asia: 'en-IN',
  Africa: 'en-ZA',
};

/** `CET`, `EDT`, ...; a zone without one gives its offset, `+03`. */
export function zoneAbbreviation(zone: Zone, utcSeconds: number): string {
  if (zone.kind === 'fixed' && !/^[+-]?\d/.test(zone.name)) return zone.name;
  if (zone.kind === 'named') {
    const locale = REGION_LOCALE[zone.name.split('/')[0]!] ?? 'en-US';
    const name = new Intl.DateTimeFormat(locale, { timeZone: zone.name, timeZoneName: 'short' })
      .formatToParts(utcSeconds * 1000)
      .find((p) => p.type === 'timeZoneName')?.value;
    if (name !== undefined && /^[A-Z]{2,5}$/.test(name)) return name;
  }
  return formatOffset(zoneOffset(zone, utcSeconds));
}

/** `+02`, `-03:30`, `+00:53:28`. */
export function formatOffset(seconds: number): string {
  const magnitude = Math.abs(seconds);
  const h = Math.floor(magnitude / 3600);
  const m = Math.floor(magnitude / 60) % 60;
  const s = magnitude % 60;
  let text = `${seconds < 0 ? '-' : '+'}${h < 10 ? '0' : ''}${h}`;
  if (m !== 0 || s !== 0) text += `:${m < 10 ? '0' : ''}${m}`;
  if (s !== 0) text += `:${s < 10 ? '0' : ''}${s}`;
  return text;
}
