/** What stands below a table's columns: partitions, indexes, constraints, policies, rules, triggers, inheritance. */
import type { Asked } from './listing.js';
import { partitionFooters } from './partition-footers.js';
import { rows } from './query.js';
import { type Relation, tablespaceName } from './relation.js';

/** Adds lines; false when the server refused. */
type Part = (asked: Asked, r: Relation, out: string[]) => Promise<boolean>;

const partitionKey: Part = async (asked, r, out) => {
  if (r.kind !== 'p') return true;
  const found = await rows(asked, `SELECT pg_catalog.pg_get_partkeydef('${r.oid}'::pg_catalog.oid);`);
  if (found === undefined) return false;
  if (found.length === 1) out.push(`Partition key: ${found[0]![0]}`);
  return true;
};

const toastOwner: Part = async (asked, r, out) => {
  if (r.kind !== 't') return true;
  const found = await rows(
    asked,
    `SELECT n.nspname, c.relname\nFROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\nWHERE reltoastrelid = '${r.oid}';`,
  );
  if (found === undefined) return false;
  if (found.length === 1) out.push(`Owning table: "${found[0]![0]}.${found[0]![1]}"`);
  return true;
};

const indexes: Part = async (asked, r, out) => {
  if (!r.hasIndex) return true;
  const found = await rows(
    asked,
    `SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
  pg_catalog.pg_get_constraintdef(con.oid, true), contype, condeferrable, condeferred, i.indisreplident, c2.reltablespace
FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
  LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
WHERE c.oid = '${r.oid}' AND c.oid = i.indrelid AND i.indexrelid = c2.oid
ORDER BY i.indisprimary DESC, c2.relname;`,
  );
  if (found === undefined) return false;
  if (found.length > 0) out.push('Indexes:');
  for (const [
    name,
    primary,
    unique,
    clustered,
    valid,
    definition,
    constraint,
    type,
    deferrable,
    deferred,
    replica,
    space,
  ] of found) {
    let text = `    "${name}"`;
    if (type === 'x') text += ` ${constraint}`;
    else {
      if (primary === 't') text += ' PRIMARY KEY,';
      else if (unique === 't') text += type === 'u' ? ' UNIQUE CONSTRAINT,' : ' UNIQUE,';
      const using = definition!.indexOf(' USING ');
      text += ` ${using < 0 ? definition : definition!.slice(using + 7)}`;
      if (deferrable === 't') text += ' DEFERRABLE';
      if (deferred === 't') text += ' INITIALLY DEFERRED';
    }
    if (clustered === 't') text += ' CLUSTER';
    if (valid !== 't') text += ' INVALID';
    if (replica === 't') text += ' REPLICA IDENTITY';
    const tablespace = await tablespaceName(asked, space ?? '0');
    if (tablespace !== undefined) text += `, tablespace "${tablespace}"`;
    out.push(text);
  }
  return true;
};

const checks: Part = async (asked, r, out) => {
  if (r.checks === 0) return true;
  const found = await rows(
    asked,
    `SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true)\nFROM pg_catalog.pg_constraint r\nWHERE r.conrelid = '${r.oid}' AND r.contype = 'c'\nORDER BY 1;`,
  );
  if (found === undefined) return false;
  if (found.length > 0) out.push('Check constraints:');
  for (const [name, text] of found) out.push(`    "${name}" ${text}`);
  return true;
};

const foreignKeys: Part = async (asked, r, out) => {
  if (!r.hasTriggers && r.kind !== 'p') return true;
  const inherited = r.isPartition || r.kind === 'p';
  const own = await rows(
    asked,
    inherited
      ? `SELECT conrelid = '${r.oid}'::pg_catalog.regclass AS sametable, conname, pg_catalog.pg_get_constraintdef(oid, true) AS condef, conrelid::pg_catalog.regclass AS ontable
  FROM pg_catalog.pg_constraint, pg_catalog.pg_partition_ancestors('${r.oid}')
 WHERE conrelid = relid AND contype = 'f' AND conparentid = 0
ORDER BY sametable DESC, conname;`
      : `SELECT true as sametable, conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, conrelid::pg_catalog.regclass AS ontable
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = '${r.oid}' AND r.contype = 'f' AND conparentid = 0
ORDER BY conname`,
  );
  if (own === undefined) return false;
  if (own.length > 0) out.push('Foreign-key constraints:');
  for (const [same, name, text, table] of own)
    out.push(same === 't' ? `    "${name}" ${text}` : `    TABLE "${table}" CONSTRAINT "${name}" ${text}`);
  const incoming = await rows(
    asked,
    `SELECT conname, conrelid::pg_catalog.regclass AS ontable, pg_catalog.pg_get_constraintdef(oid, true) AS condef
  FROM pg_catalog.pg_constraint c
 WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors('${r.oid}') UNION ALL VALUES ('${r.oid}'::pg_catalog.regclass)) AND contype = 'f' AND conparentid = 0
ORDER BY conname;`,
  );
  if (incoming === undefined) return false;
  if (incoming.length > 0) out.push('Referenced by:');
  for (const [name, table, text] of incoming) out.push(`    TABLE "${table}" CONSTRAINT "${name}" ${text}`);
  return true;
};

const policies: Part = async (asked, r, out) => {
  const found = await rows(
    asked,
    `SELECT pol.polname, pol.polpermissive,
  CASE WHEN pol.polroles = '{0}' THEN NULL ELSE pg_catalog.array_to_string(array(select rolname from pg_catalog.pg_roles where oid = any (pol.polroles) order by 1),',') END,
  pg_catalog.pg_get_expr(pol.polqual, pol.polrelid),
  pg_catalog.pg_get_expr(pol.polwithcheck, pol.polrelid),
  CASE pol.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END AS cmd
FROM pg_catalog.pg_policy pol
WHERE pol.polrelid = '${r.oid}' ORDER BY 1;`,
  );
  if (found === undefined) return false;
  const forced = r.forceRowSecurity ? 'forced ' : '';
  if (r.rowSecurity && found.length > 0)
    out.push(r.forceRowSecurity ? 'Policies (forced row security enabled):' : 'Policies:');
  else if (r.rowSecurity) out.push(`Policies (${forced}row security enabled): (none)`);
  else if (found.length > 0) out.push('Policies (row security disabled):');
  for (const [name, permissive, roles, using, check, command] of found) {
    let text = `    POLICY "${name}"`;
    if (permissive === 'f') text += ' AS RESTRICTIVE';
    if (command !== null) text += ` FOR ${command}`;
    if (roles !== null) text += `\n      TO ${roles}`;
    if (using !== null) text += `\n      USING (${using})`;
    if (check !== null) text += `\n      WITH CHECK (${check})`;
    out.push(text);
  }
  return true;
};

const statistics: Part = async (asked, r, out) => {
  if (asked.version < 140_000) return true;
  const found = await rows(
    asked,
    `SELECT oid, stxrelid::pg_catalog.regclass, stxnamespace::pg_catalog.regnamespace::pg_catalog.text AS nsp, stxname,
pg_catalog.pg_get_statisticsobjdef_columns(oid) AS columns,
  'd' = any(stxkind) AS ndist_enabled,
  'f' = any(stxkind) AS deps_enabled,
  'm' = any(stxkind) AS mcv_enabled,
stxstattarget
FROM pg_catalog.pg_statistic_ext
WHERE stxrelid = '${r.oid}'
ORDER BY nsp, stxname;`,
  );
  if (found === undefined) return false;
  if (found.length > 0) out.push('Statistics objects:');
  for (const [, table, schema, name, columns, distinct, dependencies, mcv, target] of found) {
    let text = `    "${schema}.${name}"`;
    const kinds = [
      ...(distinct === 't' ? ['ndistinct'] : []),
      ...(dependencies === 't' ? ['dependencies'] : []),
      ...(mcv === 't' ? ['mcv'] : []),
    ];
    if (kinds.length > 0 && kinds.length < 3) text += ` (${kinds.join(', ')})`;
    text += ` ON ${columns} FROM ${table}`;
    if (target !== null && target !== '-1') text += `; STATISTICS ${target}`;
    out.push(text);
  }
  return true;
};

const RULE_HEADINGS = [
  ['O', 'Rules:'],
  ['D', 'Disabled rules:'],
  ['A', 'Rules firing always:'],
  ['R', 'Rules firing on replica only:'],
] as const;

const tableRules: Part = async (asked, r, out) => {
  if (!r.hasRules || r.kind === 'm' || r.kind === 'v') return true;
  const found = await rows(
    asked,
    `SELECT r.rulename, trim(trailing ';' from pg_catalog.pg_get_ruledef(r.oid, true)), ev_enabled\nFROM pg_catalog.pg_rewrite r\nWHERE r.ev_class = '${r.oid}' ORDER BY 1;`,
  );
  if (found === undefined) return false;
  for (const [enabled, heading] of RULE_HEADINGS) {
    const here = found.filter((f) => f[2] === enabled);
    if (here.length > 0) out.push(heading);
    for (const f of here) out.push(`    ${f[1]!.slice('CREATE RULE '.length)}`);
  }
  return true;
};

const publications: Part = async (asked, r, out) => {
  if (asked.version < 100_000) return true;
  const schemas =
    asked.version >= 150_000
      ? `SELECT pubname, NULL, NULL
FROM pg_catalog.pg_publication p
     JOIN pg_catalog.pg_publication_namespace pn ON p.oid = pn.pnpubid
     JOIN pg_catalog.pg_class pc ON pc.relnamespace = pn.pnnspid
WHERE pc.oid ='${r.oid}' and pg_catalog.pg_relation_is_publishable('${r.oid}')
UNION
`
      : '';
  const [condition, columns] =
    asked.version >= 150_000
      ? [
          'pg_get_expr(pr.prqual, c.oid)',
          "(CASE WHEN pr.prattrs IS NOT NULL THEN (SELECT string_agg(attname, ', ') FROM pg_catalog.generate_series(0, pg_catalog.array_upper(pr.prattrs::pg_catalog.int2[], 1)) s, pg_catalog.pg_attribute WHERE attrelid = pr.prrelid AND attnum = prattrs[s]) ELSE NULL END)",
        ]
      : ['NULL', 'NULL'];
  const found = await rows(
    asked,
    `${schemas}SELECT pubname, ${condition}, ${columns}
FROM pg_catalog.pg_publication p
     JOIN pg_catalog.pg_publication_rel pr ON p.oid = pr.prpubid
     JOIN pg_catalog.pg_class c ON c.oid = pr.prrelid
WHERE pr.prrelid = '${r.oid}'
UNION
SELECT pubname, NULL, NULL
FROM pg_catalog.pg_publication p
WHERE p.puballtables AND pg_catalog.pg_relation_is_publishable('${r.oid}')
ORDER BY 1;`,
  );
  if (found === undefined) return false;
  if (found.length > 0) out.push('Publications:');
  for (const [name, where, only] of found)
    out.push(`    "${name}"${only === null ? '' : ` (${only})`}${where === null ? '' : ` WHERE ${where}`}`);
  return true;
};

const viewDefinition: Part = async (asked, r, out) => {
  if ((r.kind !== 'v' && r.kind !== 'm') || !asked.verbose) return true;
  const found = await rows(asked, `SELECT pg_catalog.pg_get_viewdef('${r.oid}'::pg_catalog.oid, true);`);
  if (found === undefined) return false;
  if (found.length > 0) out.push('View definition:', found[0]![0] ?? '');
  if (!r.hasRules) return true;
  const rules = await rows(
    asked,
    `SELECT r.rulename, trim(trailing ';' from pg_catalog.pg_get_ruledef(r.oid, true))\nFROM pg_catalog.pg_rewrite r\nWHERE r.ev_class = '${r.oid}' AND r.rulename != '_RETURN' ORDER BY 1;`,
  );
  if (rules === undefined) return false;
  if (rules.length > 0) out.push('Rules:');
  for (const [, text] of rules) out.push(` ${text!.slice('CREATE RULE '.length)}`);
  return true;
};

const TRIGGER_HEADINGS: readonly (readonly [string, (enabled: string, internal: boolean) => boolean])[] = [
  ['Triggers:', (e) => e === 'O' || e === 't'],
  ['Disabled user triggers:', (e, internal) => (e === 'D' || e === 'f') && !internal],
  ['Disabled internal triggers:', (e, internal) => (e === 'D' || e === 'f') && internal],
  ['Triggers firing always:', (e) => e === 'A'],
  ['Triggers firing on replica only:', (e) => e === 'R'],
];

const triggers: Part = async (asked, r, out) => {
  if (!r.hasTriggers) return true;
  const parent =
    asked.version >= 130_000
      ? `CASE WHEN t.tgparentid != 0 THEN
    (SELECT u.tgrelid::pg_catalog.regclass
     FROM pg_catalog.pg_trigger AS u,
          pg_catalog.pg_partition_ancestors(t.tgrelid) WITH ORDINALITY AS a(relid, depth)
     WHERE u.tgname = t.tgname AND u.tgrelid = a.relid
           AND u.tgparentid = 0
     ORDER BY a.depth LIMIT 1)
  END AS parent`
      : 'NULL AS parent';
  const found = await rows(
    asked,
    `SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgisinternal, ${parent}
FROM pg_catalog.pg_trigger t
WHERE t.tgrelid = '${r.oid}' AND (NOT t.tgisinternal OR (t.tgisinternal AND t.tgenabled = 'D'))
ORDER BY 1;`,
  );
  if (found === undefined) return false;
  for (const [heading, holds] of TRIGGER_HEADINGS) {
    const here = found.filter((f) => holds(f[2]!, f[3] === 't'));
    if (here.length > 0) out.push(heading);
    for (const [, text, , , from] of here) {
      const at = text!.indexOf(' TRIGGER ');
      out.push(`    ${at < 0 ? text : text!.slice(at + 9)}${from === null ? '' : `, ON TABLE ${from}`}`);
    }
  }
  return true;
};

const foreignServer: Part = async (asked, r, out) => {
  if (r.kind !== 'f') return true;
  const found = await rows(
    asked,
    `SELECT s.srvname,
  pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) FROM pg_catalog.pg_options_to_table(ftoptions)), ', ')
FROM pg_catalog.pg_foreign_table f, pg_catalog.pg_foreign_server s
WHERE f.ftrelid = '${r.oid}' AND s.oid = f.ftserver;`,
  );
  if (found === undefined) return false;
  const [row] = found;
  if (row === undefined) return true;
  out.push(`Server: ${row[0]}`);
  if (row[1] !== null && row[1] !== '') out.push(`FDW options: (${row[1]})`);
  return true;
};

/** `Label: first,` and below it the others. */
function list(label: string, items: readonly string[], out: string[]): void {
  for (const [i, item] of items.entries())
    out.push(
      `${i === 0 ? `${label}: ` : ' '.repeat(label.length + 2)}${item}${i + 1 < items.length ? ',' : ''}`,
    );
}

const inheritance: Part = async (asked, r, out) => {
  const parents = await rows(
    asked,
    `SELECT c.oid::pg_catalog.regclass
FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i
WHERE c.oid = i.inhparent AND i.inhrelid = '${r.oid}' AND c.relkind != 'p' AND c.relkind != 'I'
ORDER BY inhseqno;`,
  );
  if (parents === undefined) return false;
  list(
    'Inherits',
    parents.map((p) => p[0]!),
    out,
  );
  const children = await rows(
    asked,
    `SELECT c.oid::pg_catalog.regclass, c.relkind, ${asked.version >= 140_000 ? 'inhdetachpending' : 'false AS inhdetachpending'}, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i
WHERE c.oid = i.inhrelid AND i.inhparent = '${r.oid}'
ORDER BY pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', c.oid::pg_catalog.regclass::pg_catalog.text;`,
  );
  if (children === undefined) return false;
  const partitioned = r.kind === 'p';
  if (partitioned && children.length === 0) out.push('Number of partitions: 0');
  else if (!asked.verbose) {
    if (children.length > 0)
      out.push(
        `Number of ${partitioned ? 'partitions' : 'child tables'}: ${children.length} (Use \\d+ to list them.)`,
      );
  } else
    list(
      partitioned ? 'Partitions' : 'Child tables',
      children.map(
        ([name, kind, detaching, bound]) =>
          `${name}${bound === null || bound === '' ? '' : ` ${bound}`}${kind === 'p' || kind === 'I' ? ', PARTITIONED' : ''}${detaching === 't' ? ' (DETACH PENDING)' : ''}`,
      ),
      out,
    );
  if (r.ofType !== '') out.push(`Typed table of type: ${r.ofType}`);
  return true;
};

const storage: Part = async (asked, r, out) => {
  if (asked.verbose && (r.kind === 'r' || r.kind === 'm') && r.schema !== 'pg_catalog') {
    if (r.replicaIdentity === 'f') out.push('Replica Identity: FULL');
    else if (r.replicaIdentity === 'n') out.push('Replica Identity: NOTHING');
  } else if (asked.verbose && r.schema === 'pg_catalog' && r.replicaIdentity === 'f' && r.kind === 'r')
    out.push('Replica Identity: FULL');
  if ('rmpt'.includes(r.kind)) {
    const space = await tablespaceName(asked, r.tablespace);
    if (space !== undefined) out.push(`Tablespace: "${space}"`);
  }
  if (asked.verbose && r.accessMethod !== null && !asked.session.settings.hideTableAm)
    out.push(`Access method: ${r.accessMethod}`);
  return true;
};

export async function tableFooters(asked: Asked, r: Relation): Promise<string[] | undefined> {
  const out = await partitionFooters(asked, r);
  if (out === undefined) return undefined;
  const isTable = 'rmfpt'.includes(r.kind);
  const parts: readonly Part[] = [
    partitionKey,
    toastOwner,
    ...(isTable ? [indexes, checks, foreignKeys, policies, statistics, tableRules, publications] : []),
    viewDefinition,
    triggers,
    foreignServer,
    ...(isTable ? [inheritance, storage] : []),
  ];
  for (const part of parts) if (!(await part(asked, r, out))) return undefined;
  if (asked.verbose && r.options !== '') out.push(`Options: ${r.options}`);
  return out;
}
