/** What a person calls a statement kind that is not supported: `CreateFunctionStmt` is CREATE FUNCTION. */

const NAMES: Readonly<Record<string, string>> = {
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  IndexStmt: 'CREATE INDEX',
  DoStmt: 'DO',
  CallStmt: 'CALL',
  GrantStmt: 'GRANT and REVOKE',
  GrantRoleStmt: 'GRANT and REVOKE',
  CommentStmt: 'COMMENT',
  LockStmt: 'LOCK',
  ListenStmt: 'LISTEN',
  UnlistenStmt: 'UNLISTEN',
  NotifyStmt: 'NOTIFY',
  CheckPointStmt: 'CHECKPOINT',
  CreatedbStmt: 'CREATE DATABASE',
  DropdbStmt: 'DROP DATABASE',
  CreateExtensionStmt: 'CREATE EXTENSION',
  CreateRoleStmt: 'CREATE ROLE',
  AlterRoleStmt: 'ALTER ROLE',
  DropRoleStmt: 'DROP ROLE',
  CreateSeqStmt: 'CREATE SEQUENCE',
  AlterSeqStmt: 'ALTER SEQUENCE',
  CreateEnumStmt: 'CREATE TYPE',
  CompositeTypeStmt: 'CREATE TYPE',
  DefineStmt: 'CREATE of this object',
  CreateDomainStmt: 'CREATE DOMAIN',
  CreateFunctionStmt: 'CREATE FUNCTION',
  CreateTrigStmt: 'CREATE TRIGGER',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  DeclareCursorStmt: 'DECLARE CURSOR',
  FetchStmt: 'FETCH',
  ClosePortalStmt: 'CLOSE',
  LoadStmt: 'LOAD',
  ReindexStmt: 'REINDEX',
  ClusterStmt: 'CLUSTER',
  AlterTableStmt: 'ALTER TABLE',
  RenameStmt: 'ALTER ... RENAME',
  RuleStmt: 'CREATE RULE',
  SecLabelStmt: 'SECURITY LABEL',
  ConstraintsSetStmt: 'SET CONSTRAINTS',
  CreateStatsStmt: 'CREATE STATISTICS',
  AlterOwnerStmt: 'ALTER ... OWNER',
  AlterObjectSchemaStmt: 'ALTER ... SET SCHEMA',
  CreateForeignTableStmt: 'CREATE FOREIGN TABLE',
  CreateTableSpaceStmt: 'CREATE TABLESPACE',
  CreateCastStmt: 'CREATE CAST',
  CreatePolicyStmt: 'CREATE POLICY',
  CreatePublicationStmt: 'CREATE PUBLICATION',
  CreateSubscriptionStmt: 'CREATE SUBSCRIPTION',
};

export function featureName(kind: string): string {
  return (
    NAMES[kind] ??
    kind
      .replace(/Stmt$/, '')
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase()
  );
}
