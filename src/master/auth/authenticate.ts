/** Who is it, and may they in: from a start-up packet to a role.
 *
 *  Owns: the choice of the rule, the exchange of passwords, the checks of the role. Must not know: sockets, framing.
 *  Invariant: what a client learns from a refusal (and from the time it takes) is the same whether the role does not exist,
 *  has no password, an expired one, or the client's was wrong. Source: PostgreSQL 15, auth.c, miscinit.c. */
import { operatingSystemUser } from '../../types/os-user.js';
import { BOOTSTRAP_OID } from '../../types/roles/role-graph.js';
import { SqlError } from '../../types/sql-error.js';
import type { MasterCatalog } from '../catalog/master-catalog.js';
import type { StoredRole } from '../catalog/role-state.js';
import type { Log } from '../session/services.js';
import { isLoopback, parseAddress } from './address.js';
import {
  authenticationCleartext,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  cleartextPassword,
  saslInitialResponse,
  saslResponse,
} from './auth-messages.js';
import type { AuthPolicy } from './auth-policy.js';
import { type ConnectionFacts, matchingRule } from './hba-match.js';
import { SCRAM, SCRAM_PLUS, ScramExchange } from './scram.js';
import { matchesPassword, parseVerifier } from './verifier.js';

/** The client as authentication talks to it. */
export type AuthExchange = {
  readonly send: (message: Buffer) => void;
  /** Body of the next password message; undefined when the client has left. */
  readonly receive: () => Promise<Buffer | undefined>;
};

export type ClientFacts = {
  readonly user: string;
  readonly database: string;
  /** Undefined: over the Unix socket. */
  readonly address: string | undefined;
  readonly tls: boolean;
  /** For channel binding. */
  readonly certificateHash: Buffer | undefined;
};

export type AuthServices = {
  readonly catalog: MasterCatalog;
  readonly policy: AuthPolicy;
  readonly log: Log;
};

/** The role of the client; undefined when it left meanwhile. 28000, 28P01. */
export async function authenticate(
  services: AuthServices,
  client: ClientFacts,
  exchange: AuthExchange,
): Promise<StoredRole | undefined> {
  const { catalog, policy, log } = services;
  const { user, database, tls } = client;
  const address = client.address === undefined ? undefined : parseAddress(client.address);
  if (client.address !== undefined && address === undefined)
    throw new Error(`a client's address is ${client.address}`);
  if (policy.rules === undefined) {
    if (address !== undefined && !isLoopback(address)) throw noEntry(client);
    return loginRole(catalog, user, catalog.role(BOOTSTRAP_OID));
  }
  const facts: ConnectionFacts = { address, tls, user, database };
  const rule = matchingRule(policy.rules, facts, catalog.graph());
  switch (rule?.method) {
    case undefined:
      throw noEntry(client);
    case 'reject':
      throw new SqlError('28000', `pg_hba.conf rejects connection for ${described(client)}`);
    case 'trust':
      break;
    case 'peer':
      // The socket lets nobody in but the user who runs this.
      if (user !== operatingSystemUser())
        throw new SqlError('28000', `Peer authentication failed for user "${user}"`);
      break;
    case 'scram-sha-256':
    case 'md5':
    case 'password': {
      const passed =
        rule.method === 'password'
          ? await askForPassword(services, client, exchange)
          : await runScram(services, client, exchange);
      if (passed === undefined) return undefined;
      if (!passed) {
        log.info({ user, client: client.address, line: rule.line }, 'password authentication failed');
        throw new SqlError('28P01', `password authentication failed for user "${user}"`);
      }
    }
  }
  return loginRole(catalog, user, undefined);
}

function described(c: ClientFacts): string {
  const host = c.address ?? '[local]';
  const encryption = c.tls ? 'SSL encryption' : 'no encryption';
  return `host "${host}", user "${c.user}", database "${c.database}", ${encryption}`;
}

function noEntry(c: ClientFacts): SqlError {
  return new SqlError('28000', `no pg_hba.conf entry for ${described(c)}`);
}

/** `instead`: whom a name means that is no role's. */
function loginRole(catalog: MasterCatalog, user: string, instead: StoredRole | undefined): StoredRole {
  const named = catalog.graph().named(user);
  const role = named === undefined ? instead : catalog.role(named.oid);
  if (named === undefined && role === undefined) throw new SqlError('28000', `role "${user}" does not exist`);
  if (role?.login !== true) throw new SqlError('28000', `role "${user}" is not permitted to log in`);
  return role;
}

function verifierOf({ catalog, policy }: AuthServices, user: string) {
  const role = catalog.roleNamed(user);
  const verifier = role?.password === undefined ? undefined : parseVerifier(role.password);
  const expired = role?.validUntil !== undefined && role.validUntil < BigInt(Date.now()) * 1000n;
  return { verifier: verifier ?? policy.mockVerifier(user), doomed: verifier === undefined || expired };
}

async function askForPassword(
  services: AuthServices,
  client: ClientFacts,
  exchange: AuthExchange,
): Promise<boolean | undefined> {
  exchange.send(authenticationCleartext());
  const body = await exchange.receive();
  if (body === undefined) return undefined;
  const password = cleartextPassword(body);
  const { verifier, doomed } = verifierOf(services, client.user);
  const matches = await matchesPassword(verifier, password);
  return matches && !doomed;
}

async function runScram(
  services: AuthServices,
  client: ClientFacts,
  exchange: AuthExchange,
): Promise<boolean | undefined> {
  const { certificateHash } = client;
  const mechanisms = certificateHash === undefined ? [SCRAM] : [SCRAM_PLUS, SCRAM];
  exchange.send(authenticationSasl(mechanisms));
  const initial = await exchange.receive();
  if (initial === undefined) return undefined;
  const { mechanism, data } = saslInitialResponse(initial);
  if (!mechanisms.includes(mechanism))
    throw new SqlError('08P01', 'client selected an invalid SASL authentication mechanism');
  const scram = new ScramExchange({ mechanism, certificateHash, ...verifierOf(services, client.user) });
  let first = data;
  if (first === undefined) {
    // No initial response: an empty challenge asks for it.
    exchange.send(authenticationSaslContinue(''));
    const body = await exchange.receive();
    if (body === undefined) return undefined;
    first = saslResponse(body);
  }
  exchange.send(authenticationSaslContinue(scram.first(first)));
  const body = await exchange.receive();
  if (body === undefined) return undefined;
  const final = scram.final(saslResponse(body));
  if (final === undefined) return false;
  exchange.send(authenticationSaslFinal(final));
  return true;
}
