export { createPgliteDatabase } from './pglite-database.ts';
export { type PostgresServer, type PostgresServerOptions, startPostgresServer } from './postgres-server.ts';
export { createPostgresDatabase, type DatabaseTemplate, type TestDatabase } from './postgres-database.ts';
