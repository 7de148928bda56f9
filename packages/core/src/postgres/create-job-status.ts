/**
 * The states of a job, in the schema that a migration works in. Both databases have this type, and on one machine both may live in one schema:
 * whichever track comes second finds it there.
 */
export const createJobStatus = `DO $$ BEGIN
  CREATE TYPE job_status AS ENUM ('PENDING','RUNNING','COMPLETED','FAILED','CANCELED');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$`;
