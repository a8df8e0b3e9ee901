/** \d and all its family: which list a command's letters mean. */
import { listComments } from '../describe/comments.js';
import {
  castConditions,
  describeConfigs,
  describeExtensions,
  describeParsers,
  listPublications,
} from '../describe/details.js';
import { listFunctions, listOperators } from '../describe/functions.js';
import { type Asked, showListing } from '../describe/listing.js';
import { OBJECT_LISTINGS } from '../describe/listings-objects.js';
import { SERVER_LISTINGS } from '../describe/listings-server.js';
import { PatternError } from '../describe/pattern.js';
import { listPartitioned, listRelations } from '../describe/relations.js';
import { listParameters, listRoleSettings, listRoles, listSchemas } from '../describe/roles.js';
import { describeRelations } from '../describe/table.js';
import { typeName } from '../describe/type-names.js';
import { handleLoss } from '../run/send-query.js';
import { ConnectionLost } from '../wire/server-connection.js';
import type { CommandContext, CommandStatus } from './command.js';

/** People say `int`, the catalog `integer`. */
function withTypeName(asked: Asked): Asked {
  return asked.pattern === undefined ? asked : { ...asked, pattern: typeName(asked.pattern) };
}

/** What lists itself by a function of its own. */
const OWN: Readonly<Record<string, (asked: Asked) => Promise<boolean>>> = {
  du: listRoles,
  dg: listRoles,
  dn: listSchemas,
  do: listOperators,
  dd: listComments,
  drds: listRoleSettings,
  dconfig: listParameters,
  dRp: listPublications,
  dT: (asked) => showListing(OBJECT_LISTINGS.dT!, withTypeName(asked)),
  dC: (asked) => showListing({ ...SERVER_LISTINGS.dC!, where: () => castConditions(asked) }, asked),
  dF: (asked) => (asked.verbose ? describeConfigs(asked) : showListing(OBJECT_LISTINGS.dF!, asked)),
  dFp: (asked) => (asked.verbose ? describeParsers(asked) : showListing(OBJECT_LISTINGS.dFp!, asked)),
  dx: (asked) => (asked.verbose ? describeExtensions(asked) : showListing(SERVER_LISTINGS.dx!, asked)),
};

const ALIASES: Readonly<Record<string, string>> = { z: 'dp', list: 'l' };

const FLAGS = /[S+]*$/;

/** The function that answers the command; undefined when there is no such command. */
function answer(name: string): ((asked: Asked) => Promise<boolean>) | undefined {
  const own = OWN[name];
  if (own !== undefined) return own;
  const listing = SERVER_LISTINGS[name] ?? OBJECT_LISTINGS[name];
  if (listing !== undefined) return (asked) => showListing(listing, asked);
  if (name === 'd')
    return (asked) => (asked.pattern === undefined ? listRelations(asked, '') : describeRelations(asked));
  if (/^df([anptw][a-z]*)?$/.test(name)) return (asked) => listFunctions(asked, name.slice(2));
  if (/^dP[itn]*$/.test(name)) return (asked) => listPartitioned(asked, name.slice(2));
  if (/^d[tvmisE]+$/.test(name)) return (asked) => listRelations(asked, name.slice(1));
  return undefined;
}

/** Undefined: this is no describing command. */
export function describeCommand(
  typed: string,
): ((context: CommandContext) => Promise<CommandStatus>) | undefined {
  if (!/^(d|l|z)/.test(typed)) return undefined;
  const flags = FLAGS.exec(typed)![0];
  const bare = typed.slice(0, typed.length - flags.length);
  const name = ALIASES[bare] ?? bare;
  const run = answer(name);
  if (run === undefined) return undefined;
  return async (context) => {
    const { session, args } = context;
    const pattern = args.argument('normal', true);
    const more: string[] = [];
    // Only these take more than one pattern.
    if (pattern !== undefined && (name === 'do' || name === 'drds' || /^df/.test(name))) {
      const max = name === 'do' ? 2 : name === 'drds' ? 1 : 100;
      while (more.length < max) {
        const next = args.argument('normal', true);
        if (next === undefined) break;
        more.push(next);
      }
    }
    if (session.connection === undefined) {
      session.error('You are currently not connected to a database.');
      return 'error';
    }
    const asked: Asked = {
      session,
      letters: name.slice(1),
      verbose: flags.includes('+'),
      system: flags.includes('S'),
      pattern,
      more,
      version: session.connection.serverVersion,
    };
    try {
      return (await run(asked)) ? 'done' : 'error';
    } catch (e) {
      if (e instanceof PatternError) {
        session.error(e.message);
        return 'error';
      }
      if (!(e instanceof ConnectionLost)) throw e;
      await handleLoss(session, e);
      return 'error';
    }
  };
}
