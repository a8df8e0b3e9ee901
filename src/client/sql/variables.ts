/** Variables of the session: set, read and interpolated by name; some steer the client. */

/** Refuses a value by returning what is wrong with it. */
export type AssignHook = (value: string | undefined) => string | undefined;
/** What is stored for a value that was given as `value`, or unset. */
export type SubstituteHook = (value: string | undefined) => string | undefined;

type Hooks = { readonly substitute: SubstituteHook; readonly assign: AssignHook };

const NAME = /^[A-Za-z0-9_\u0080-\uffff]+$/;

export class Variables {
  private readonly values = new Map<string, string>();
  private readonly hooks = new Map<string, Hooks>();

  get(name: string): string | undefined {
    return this.values.get(name);
  }

  /** Undefined value: unsets. Returns what is wrong; undefined when it is done. */
  set(name: string, value: string | undefined): string | undefined {
    if (!NAME.test(name)) return value === undefined ? undefined : `invalid variable name: "${name}"`;
    const hooks = this.hooks.get(name);
    const stored = hooks === undefined ? value : hooks.substitute(value);
    const wrong = hooks?.assign(stored);
    if (wrong !== undefined) return wrong;
    if (stored === undefined) this.values.delete(name);
    else this.values.set(name, stored);
    return undefined;
  }

  hooked(name: string): boolean {
    return this.hooks.has(name);
  }

  /** The variable steers the client from now on. */
  hook(name: string, substitute: SubstituteHook, assign: AssignHook): void {
    this.hooks.set(name, { substitute, assign });
    this.set(name, this.values.get(name));
  }

  names(): readonly string[] {
    return [...new Set([...this.values.keys(), ...this.hooks.keys()])].sort();
  }

  /** Those that have a value, by name. */
  entries(): readonly (readonly [string, string])[] {
    return [...this.values].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** `on`, `yes`, `true`, `1` and their heads; undefined for what is no truth value. */
export function parseBoolean(value: string): boolean | undefined {
  const text = value.toLowerCase();
  if (text === '') return undefined;
  if ('true'.startsWith(text) || 'yes'.startsWith(text) || text === '1' || text === 'on') return true;
  if ('false'.startsWith(text) || 'no'.startsWith(text) || text === '0' || text === 'off' || text === 'of')
    return false;
  return undefined;
}

/** Whole numbers as C's strtol reads them with base 0. */
export function parseInteger(value: string): number | undefined {
  const text = value.trim();
  if (!/^[-+]?(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return undefined;
  const digits = text.replace(/^[-+]/, '');
  const n = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  if (!Number.isFinite(n) || n > 2_147_483_647) return undefined;
  return text.startsWith('-') ? -n : n;
}
