export { isRunning, listChildren } from './child-processes.ts';
export type { DatabaseTemplate } from './database-template.ts';
export { describeWithPrograms } from './describe-with-programs.ts';
export {
  describeJobQueue,
  describeTransactionalQueue,
  type OpenJobQueue,
  type OpenTransactionalQueue,
} from './job-queue-conformance.ts';
export { createPgliteDatabase } from './pglite-database.ts';
export { createPostgresDatabase, type TestDatabase } from './postgres-database.ts';
export { type PostgresServer, type PostgresServerOptions, startPostgresServer } from './postgres-server.ts';
export {
  type RecordDeliveries,
  type RecordedDeliveries,
  type RecordedDelivery,
  recordDeliveries,
} from './record-deliveries.ts';
