export { createPgBossQueue, type PgBossQueueOptions } from './create-pg-boss-queue.ts';
