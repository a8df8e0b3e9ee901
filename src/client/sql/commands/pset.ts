/** \pset and its short forms: what each setting takes, and how it is told. */
import { stdout } from '../output.js';
import { FORMATS, LINE_STYLES, type PrintOptions, type UnicodeStyle } from '../print/options.js';
import type { Session } from '../session.js';
import { parseBoolean, parseInteger } from '../variables.js';
import type { Command, CommandContext, CommandStatus, CommandTable } from './command.js';

/** Returns what is wrong. */
type Setter = (o: PrintOptions, value: string | undefined) => string | undefined;

type Setting = {
  readonly set: Setter;
  /** Said only when it was toggled, not when it was given a value: a habit of psql. */
  readonly quietWithValue?: boolean;
  /** The sentence that tells the setting. */
  readonly told: (o: PrintOptions) => string;
  /** The value in the list of all. */
  readonly shown: (o: PrintOptions) => string;
};

const onOff = (on: boolean): string => (on ? 'on' : 'off');

/** In quotes, with C's escapes. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll("'", "\\'");
  return `'${escaped}'`;
}

function flag(
  name: string,
  get: (o: PrintOptions) => boolean,
  assign: (o: PrintOptions, on: boolean) => void,
  sentence: string,
): Setting {
  return {
    set(o, value) {
      const on = value === undefined ? !get(o) : parseBoolean(value);
      if (on === undefined) return `unrecognized value "${value}" for "${name}": Boolean expected`;
      assign(o, on);
      return undefined;
    },
    quietWithValue: true,
    told: (o) => `${sentence} is ${onOff(get(o))}.`,
    shown: (o) => onOff(get(o)),
  };
}

function unicodeStyle(
  name: string,
  part: string,
  key: 'unicodeBorder' | 'unicodeColumn' | 'unicodeHeader',
): Setting {
  return {
    set(o, value) {
      if (value === undefined) return undefined;
      const style = (['single', 'double'] as const).find((s) => s.startsWith(value.toLowerCase()));
      if (style === undefined) return `\\pset: allowed Unicode ${name} line styles are single, double`;
      o[key] = style satisfies UnicodeStyle;
      return undefined;
    },
    told: (o) => `Unicode ${part} line style is "${o[key]}".`,
    shown: (o) => o[key],
  };
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  border: {
    set(o, value) {
      if (value === undefined) return undefined;
      o.border = Number.parseInt(value, 10) || 0;
      return undefined;
    },
    told: (o) => `Border style is ${o.border}.`,
    shown: (o) => String(o.border),
  },
  columns: {
    set(o, value) {
      if (value === undefined) return undefined;
      o.columns = Number.parseInt(value, 10) || 0;
      return undefined;
    },
    told: (o) => (o.columns === 0 ? 'Target width is unset.' : `Target width is ${o.columns}.`),
    shown: (o) => String(o.columns),
  },
  csv_fieldsep: {
    set(o, value) {
      if (value === undefined) return undefined;
      if (Array.from(value).length !== 1 || value.length !== 1)
        return '\\pset: csv_fieldsep must be a single one-byte character';
      if (value === '"' || value === '\n' || value === '\r')
        return '\\pset: csv_fieldsep cannot be a double quote, a newline, or a carriage return';
      o.csvFieldSep = value;
      return undefined;
    },
    told: (o) => `Field separator for CSV is "${o.csvFieldSep}".`,
    shown: (o) => quoted(o.csvFieldSep),
  },
  expanded: {
    set(o, value) {
      if (value?.toLowerCase() === 'auto') {
        o.expanded = 'auto';
        return undefined;
      }
      const on = value === undefined ? o.expanded === false : parseBoolean(value);
      if (on === undefined)
        return `unrecognized value "${value}" for "expanded"\nAvailable values are: on, off, auto.`;
      o.expanded = on;
      return undefined;
    },
    told: (o) =>
      o.expanded === 'auto'
        ? 'Expanded display is used automatically.'
        : `Expanded display is ${onOff(o.expanded)}.`,
    shown: (o) => (o.expanded === 'auto' ? 'auto' : onOff(o.expanded)),
  },
  fieldsep: {
    set(o, value) {
      if (value === undefined) return undefined;
      o.fieldSep = value;
      o.fieldSepZero = false;
      return undefined;
    },
    told: (o) => (o.fieldSepZero ? 'Field separator is zero byte.' : `Field separator is "${o.fieldSep}".`),
    shown: (o) => quoted(o.fieldSep),
  },
  fieldsep_zero: {
    set(o) {
      o.fieldSepZero = true;
      return undefined;
    },
    told: (o) => (o.fieldSepZero ? 'Field separator is zero byte.' : `Field separator is "${o.fieldSep}".`),
    shown: (o) => onOff(o.fieldSepZero),
  },
  footer: flag(
    'footer',
    (o) => o.defaultFooter,
    (o, on) => {
      o.defaultFooter = on;
    },
    'Default footer',
  ),
  format: {
    set(o, value) {
      if (value === undefined) return undefined;
      const lower = value.toLowerCase();
      const hits = FORMATS.filter((f) => f.startsWith(lower));
      const exact = hits.find((f) => f === lower);
      if (exact === undefined && hits.length > 1)
        return `\\pset: ambiguous abbreviation "${value}" matches both "${hits[0]}" and "${hits[1]}"`;
      const format = exact ?? hits[0];
      if (format === undefined) return `\\pset: allowed formats are ${FORMATS.join(', ')}`;
      o.format = format;
      return undefined;
    },
    told: (o) => `Output format is ${o.format}.`,
    shown: (o) => o.format,
  },
  linestyle: {
    set(o, value) {
      if (value === undefined) return undefined;
      const style = LINE_STYLES.find((s) => s.startsWith(value.toLowerCase()));
      if (style === undefined) return '\\pset: allowed line styles are ascii, old-ascii, unicode';
      o.lineStyle = style;
      return undefined;
    },
    told: (o) => `Line style is ${o.lineStyle}.`,
    shown: (o) => o.lineStyle,
  },
  null: {
    set(o, value) {
      if (value === undefined) return undefined;
      o.nullText = value;
      return undefined;
    },
    told: (o) => `Null display is "${o.nullText}".`,
    shown: (o) => quoted(o.nullText),
  },
  numericlocale: flag(
    'numericlocale',
    (o) => o.numericLocale,
    (o, on) => {
      o.numericLocale = on;
    },
    'Locale-adjusted numeric output',
  ),
  pager: {
    set(o, value) {
      if (value?.toLowerCase() === 'always') {
        o.pager = 2;
        return undefined;
      }
      const on = value === undefined ? o.pager !== 1 : parseBoolean(value);
      if (on === undefined)
        return `unrecognized value "${value}" for "pager"\nAvailable values are: on, off, always.`;
      o.pager = on ? 1 : 0;
      return undefined;
    },
    told: (o) =>
      o.pager === 2
        ? 'Pager is always used.'
        : o.pager === 1
          ? 'Pager is used for long output.'
          : 'Pager usage is off.',
    shown: (o) => String(o.pager),
  },
  pager_min_lines: {
    set(o, value) {
      if (value === undefined) return undefined;
      const n = parseInteger(value);
      if (n === undefined) return `invalid value "${value}" for "pager_min_lines": integer expected`;
      o.pagerMinLines = n;
      return undefined;
    },
    told: (o) =>
      `Pager won't be used for less than ${o.pagerMinLines} line${o.pagerMinLines === 1 ? '' : 's'}.`,
    shown: (o) => String(o.pagerMinLines),
  },
  recordsep: {
    set(o, value) {
      if (value === undefined) return undefined;
      o.recordSep = value;
      o.recordSepZero = false;
      return undefined;
    },
    told: (o) => toldRecordSeparator(o),
    shown: (o) => quoted(o.recordSep),
  },
  recordsep_zero: {
    set(o) {
      o.recordSepZero = true;
      return undefined;
    },
    told: (o) => toldRecordSeparator(o),
    shown: (o) => onOff(o.recordSepZero),
  },
  tableattr: {
    set(o, value) {
      o.tableAttr = value;
      return undefined;
    },
    told: (o) =>
      o.tableAttr === undefined ? 'Table attributes unset.' : `Table attributes are "${o.tableAttr}".`,
    shown: (o) => (o.tableAttr === undefined ? '' : quoted(o.tableAttr)),
  },
  title: {
    set(o, value) {
      o.title = value;
      return undefined;
    },
    told: (o) => (o.title === undefined ? 'Title is unset.' : `Title is "${o.title}".`),
    shown: (o) => (o.title === undefined ? '' : quoted(o.title)),
  },
  tuples_only: flag(
    'tuples_only',
    (o) => o.tuplesOnly,
    (o, on) => {
      o.tuplesOnly = on;
    },
    'Tuples only',
  ),
  unicode_border_linestyle: unicodeStyle('border', 'border', 'unicodeBorder'),
  unicode_column_linestyle: unicodeStyle('column', 'column', 'unicodeColumn'),
  unicode_header_linestyle: unicodeStyle('header', 'header', 'unicodeHeader'),
};

const ALIASES: Readonly<Record<string, string>> = {
  x: 'expanded',
  vertical: 'expanded',
  t: 'tuples_only',
};

export const PSET_NAMES: readonly string[] = Object.keys(SETTINGS);

function toldRecordSeparator(o: PrintOptions): string {
  if (o.recordSepZero) return 'Record separator is zero byte.';
  return o.recordSep === '\n' ? 'Record separator is <newline>.' : `Record separator is "${o.recordSep}".`;
}

/** Sets one; says so unless `quiet`. Returns false when that was refused. */
export function setPrintOption(
  session: Session,
  options: PrintOptions,
  name: string,
  value: string | undefined,
  quiet: boolean,
): boolean {
  const setting = SETTINGS[ALIASES[name] ?? name];
  if (setting === undefined) {
    session.error(`\\pset: unknown option: ${name}`);
    return false;
  }
  const wrong = setting.set(options, value);
  if (wrong !== undefined) {
    session.error(wrong);
    return false;
  }
  const silent = quiet || (setting.quietWithValue === true && value !== undefined);
  if (!silent) stdout.write(`${setting.told(options)}\n`);
  return true;
}

function apply(context: CommandContext, name: string, value: string | undefined): CommandStatus {
  const { session } = context;
  return setPrintOption(session, session.print, name, value, session.settings.quiet) ? 'done' : 'error';
}

const withArgument =
  (name: string): Command =>
  (context) =>
    apply(context, name, context.args.argument('normal'));

export const PSET_COMMANDS: CommandTable = {
  pset(context) {
    const { session, args } = context;
    const name = args.argument('normal');
    const value = args.argument('normal');
    if (name !== undefined) return apply(context, name, value);
    for (const [key, setting] of Object.entries(SETTINGS))
      stdout.write(`${key.padEnd(24)} ${setting.shown(session.print)}\n`);
    stdout.flush();
    return 'done';
  },
  a(context) {
    const { print } = context.session;
    return apply(context, 'format', print.format === 'aligned' ? 'unaligned' : 'aligned');
  },
  C: withArgument('title'),
  f: withArgument('fieldsep'),
  t: withArgument('tuples_only'),
  T: withArgument('tableattr'),
  x: withArgument('expanded'),
};
