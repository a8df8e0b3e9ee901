/** The directory of a cluster that `mpp init` makes on one host: its configuration and where each process lives.
 *
 *  DIR/cluster.json            what `init` decided (never changed afterwards)
 *  DIR/token                   the join token, readable by its owner only
 *  DIR/tls/                    certificates: `certificates.ts`
 *  DIR/master/hba.conf         who may connect
 *  DIR/run/NAME.json           the process last started under that name
 *  DIR/NAME/                   the process's own data;  NAME = master, segment-0, segment-1, ...
 *  DIR/log/NAME.log            its log */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AuthMethod, defaultHba, HBA_FILE } from '../types/default-hba.js';
import { makeDirectory } from '../types/make-directory.js';
import { operatingSystemUser } from '../types/os-user.js';
import { makeCertificates } from './certificates.js';
import { CliError } from './cli-error.js';

export type ClusterConfig = {
  readonly version: 1;
  readonly segments: number;
  readonly host: string;
  readonly port: number;
  /** Absent in clusters of versions that had neither: the master's defaults, connections in the clear. */
  readonly maxConnections?: number | undefined;
  /** Relative paths begin in the cluster's directory. */
  readonly ssl?: { readonly cert: string; readonly key: string } | undefined;
  /** The first role; absent in clusters of versions without roles. */
  readonly superuser?: string | undefined;
};

export type InitOptions = {
  readonly segments: number;
  readonly host: string;
  readonly port: number;
  readonly maxConnections?: number | undefined;
  /** The user's own certificate and key; made when absent. `false`: connections in the clear. */
  readonly ssl?: { readonly cert: string; readonly key: string } | false | undefined;
  /** Default: the user who runs this. */
  readonly superuser?: string | undefined;
  /** How others than the superuser on this host prove who they are. */
  readonly auth?: AuthMethod | undefined;
};

/** `port`: where clients (master) or peers (segments) connect; `grpcPort`: where segments join (master only). */
export type RunRecord = {
  readonly name: string;
  readonly role: 'master' | 'segment';
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly pid: number;
};

export class ClusterDir {
  readonly path: string;
  readonly config: ClusterConfig;

  private constructor(path: string, config: ClusterConfig) {
    this.path = path;
    this.config = config;
  }

  static exists(path: string): boolean {
    return existsSync(join(path, 'cluster.json'));
  }

  static open(path: string): ClusterDir {
    const dir = resolve(path);
    if (!existsSync(dir))
      throw new CliError(`${dir} does not exist; make a cluster with: mpp init --data ${path} --segments 2`);
    const file = join(dir, 'cluster.json');
    if (!existsSync(file))
      throw new CliError(`${dir} holds no cluster; make one with: mpp init --data ${path} --segments 2`);
    try {
      return new ClusterDir(dir, JSON.parse(readFileSync(file, 'utf8')) as ClusterConfig);
    } catch (e) {
      throw new CliError(`${file} cannot be read: ${e instanceof Error ? e.message : String(e)}`);
    }
  }

  static init(path: string, options: InitOptions): ClusterDir {
    const dir = resolve(path);
    if (ClusterDir.exists(dir))
      throw new CliError(`${dir} already holds a cluster; start it with: mpp start --data ${path}`);
    if (existsSync(dir) && !statSync(dir).isDirectory())
      throw new CliError(`${dir} is a file, not a directory`);
    if (existsSync(dir) && readdirSync(dir).length > 0)
      throw new CliError(`${dir} is not empty; give an empty or a new directory`);
    const { segments, host, port, maxConnections } = options;
    const { auth = 'scram-sha-256', superuser = operatingSystemUser() } = options;
    const ssl =
      options.ssl === false
        ? undefined
        : (options.ssl ?? { cert: join('tls', 'server.crt'), key: join('tls', 'server.key') });
    const config: ClusterConfig = { version: 1, segments, host, port, maxConnections, ssl, superuser };
    try {
      for (const d of [
        'run',
        'log',
        'master',
        ...Array.from({ length: options.segments }, (_, i) => `segment-${i}`),
      ])
        makeDirectory(join(dir, d));
      if (options.ssl === undefined) {
        makeDirectory(join(dir, 'tls'));
        makeCertificates(join(dir, 'tls'), host);
      }
      writeFileSync(join(dir, 'master', HBA_FILE), defaultHba(auth, superuser), { mode: 0o600 });
      writeFileSync(join(dir, 'token'), `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
      writeFileSync(join(dir, 'cluster.json.new'), `${JSON.stringify(config, null, 2)}\n`);
      renameSync(join(dir, 'cluster.json.new'), join(dir, 'cluster.json'));
    } catch (e) {
      throw new CliError(`cannot make a cluster in ${dir}: ${e instanceof Error ? e.message : String(e)}`);
    }
    return new ClusterDir(dir, config);
  }

  get names(): readonly string[] {
    return ['master', ...Array.from({ length: this.config.segments }, (_, i) => `segment-${i}`)];
  }

  data(name: string): string {
    return join(this.path, name);
  }

  log(name: string): string {
    return join(this.path, 'log', `${name}.log`);
  }

  get tokenFile(): string {
    return join(this.path, 'token');
  }

  record(name: string): RunRecord | undefined {
    const file = join(this.path, 'run', `${name}.json`);
    if (!existsSync(file)) return undefined;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
    } catch {
      return undefined;
    }
  }

  saveRecord(record: RunRecord): void {
    const file = join(this.path, 'run', `${record.name}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(record));
    renameSync(`${file}.new`, file);
  }
}
