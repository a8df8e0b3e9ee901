/** Gives a session its connection, and the variables that tell of it. */
import { promptSecret } from './edit/secret.js';
import { stderr } from './output.js';
import type { Session } from './session.js';
import { openConnection } from './wire/connect.js';
import type { ConnectionSettings } from './wire/connection-settings.js';

export async function connectSession(
  session: Session,
  settings: ConnectionSettings,
  options: { readonly promptFirst: boolean; readonly neverPrompt?: boolean },
): Promise<void> {
  const connection = await openConnection(settings, {
    promptFirst: options.promptFirst,
    prompt:
      options.neverPrompt === true
        ? undefined
        : async (user) => (await promptSecret(`Password for user ${user}: `)) ?? '',
    warn: (message) => stderr(`${message}\n`),
  });
  connection.onNotice = (notice) => session.notice(notice);
  connection.onNotification = (n) => session.notification(n);
  session.connection = connection;
  session.connectionSettings = { ...settings, password: connection.password };
  const { variables } = session;
  variables.set('DBNAME', connection.at.database);
  variables.set('USER', connection.at.user);
  variables.set('HOST', connection.at.host);
  variables.set('PORT', String(connection.at.port));
  variables.set('ENCODING', connection.parameters.get('client_encoding') ?? 'UTF8');
  variables.set('SERVER_VERSION_NAME', connection.parameters.get('server_version') ?? '');
  variables.set('SERVER_VERSION_NUM', String(connection.serverVersion));
}
