/** The variables that steer the client: what they may be, and where they are kept while it runs. */
import type { Session } from './session.js';
import { parseBoolean, parseInteger } from './variables.js';

type Settings = Session['settings'];

function booleanVariable(session: Session, name: string, assign: (on: boolean) => void): void {
  session.variables.hook(
    name,
    (v) => (v === undefined ? 'off' : v === '' ? 'on' : v),
    (v) => {
      const on = parseBoolean(v!);
      if (on === undefined) return `unrecognized value "${v}" for "${name}": Boolean expected`;
      assign(on);
      return undefined;
    },
  );
}

function choiceVariable<T extends string>(
  session: Session,
  name: string,
  choices: readonly T[],
  fallback: T,
  assign: (value: T) => void,
): void {
  session.variables.hook(
    name,
    (v) => v ?? fallback,
    (v) => {
      const choice = choices.find((c) => c === v!.toLowerCase());
      if (choice === undefined)
        return `unrecognized value "${v}" for "${name}"\nAvailable values are: ${choices.join(', ')}.`;
      assign(choice);
      return undefined;
    },
  );
}

/** A choice that is also a truth value. */
function choiceOrBoolean<T extends string>(
  session: Session,
  name: string,
  special: readonly T[],
  assign: (value: T | 'on' | 'off') => void,
): void {
  session.variables.hook(
    name,
    (v) => (v === undefined ? 'off' : v === '' ? 'on' : v),
    (v) => {
      const choice = special.find((c) => c === v!.toLowerCase());
      const on = parseBoolean(v!);
      if (choice === undefined && on === undefined)
        return `unrecognized value "${v}" for "${name}"\nAvailable values are: on, off, ${special.join(', ')}.`;
      assign(choice ?? (on === true ? 'on' : 'off'));
      return undefined;
    },
  );
}

function numberVariable(session: Session, name: string, fallback: string, assign: (n: number) => void): void {
  session.variables.hook(
    name,
    (v) => v ?? fallback,
    (v) => {
      const n = parseInteger(v!);
      if (n === undefined) return `invalid value "${v}" for "${name}": integer expected`;
      assign(n);
      return undefined;
    },
  );
}

function textVariable(
  session: Session,
  name: string,
  fallback: string,
  assign: (text: string) => void,
): void {
  session.variables.hook(
    name,
    (v) => v ?? fallback,
    (v) => {
      assign(v!);
      return undefined;
    },
  );
}

export function defineSpecialVariables(session: Session): void {
  const { variables, settings } = session;
  const flag = (
    name: string,
    key: { [K in keyof Settings]: Settings[K] extends boolean ? K : never }[keyof Settings],
  ) =>
    booleanVariable(session, name, (on) => {
      settings[key] = on;
    });
  variables.set('AUTOCOMMIT', 'on');
  flag('AUTOCOMMIT', 'autocommit');
  flag('ON_ERROR_STOP', 'onErrorStop');
  flag('QUIET', 'quiet');
  flag('SINGLELINE', 'singleLine');
  flag('SINGLESTEP', 'singleStep');
  flag('HIDE_TABLEAM', 'hideTableAm');
  flag('HIDE_TOAST_COMPRESSION', 'hideCompression');
  variables.set('SHOW_ALL_RESULTS', 'on');
  flag('SHOW_ALL_RESULTS', 'showAllResults');
  numberVariable(session, 'FETCH_COUNT', '0', (n) => {
    settings.fetchCount = n;
  });
  numberVariable(session, 'HISTSIZE', '500', (n) => {
    settings.historySize = n;
  });
  variables.hook(
    'IGNOREEOF',
    // What is no number counts as ten, as in a shell.
    (v) => (v === undefined ? '0' : parseInteger(v) === undefined ? '10' : v),
    (v) => {
      settings.ignoreEof = parseInteger(v!) ?? 0;
      return undefined;
    },
  );
  textVariable(session, 'PROMPT1', '%/%R%x%# ', (t) => {
    settings.prompt1 = t;
  });
  textVariable(session, 'PROMPT2', '%/%R%x%# ', (t) => {
    settings.prompt2 = t;
  });
  textVariable(session, 'PROMPT3', '>> ', (t) => {
    settings.prompt3 = t;
  });
  choiceVariable(session, 'ECHO', ['none', 'errors', 'queries', 'all'], 'none', (v) => {
    settings.echo = v;
  });
  choiceVariable(session, 'HISTCONTROL', ['none', 'ignorespace', 'ignoredups', 'ignoreboth'], 'none', (v) => {
    settings.historyControl = v;
  });
  choiceVariable(
    session,
    'COMP_KEYWORD_CASE',
    ['lower', 'upper', 'preserve-lower', 'preserve-upper'],
    'preserve-upper',
    (v) => {
      settings.keywordCase = v;
    },
  );
  choiceVariable(session, 'VERBOSITY', ['default', 'verbose', 'terse', 'sqlstate'], 'default', (v) => {
    settings.verbosity = v;
  });
  choiceVariable(session, 'SHOW_CONTEXT', ['never', 'errors', 'always'], 'errors', (v) => {
    settings.showContext = v;
  });
  choiceOrBoolean(session, 'ECHO_HIDDEN', ['noexec'], (v) => {
    settings.echoHidden = v;
  });
  choiceOrBoolean(session, 'ON_ERROR_ROLLBACK', ['interactive'], (v) => {
    settings.onErrorRollback = v;
  });
}
