import {
  createLocalArtifactStore,
  type JobQueue,
  type MetadataDatabase,
  NotFoundError,
  openResultsDatabase,
  type Platform,
  type ResultsDatabase,
  type Signals,
  type TaskRunner,
} from '@mad/core';
import type { Kysely } from 'kysely';
import { ANSWER } from '../contender.ts';
import { ORG_ID, SCHEMA } from './mad-organization.ts';

export interface ConnectMad {
  readonly queue: JobQueue;
  readonly signals?: Signals | undefined;
  readonly folder: string;
  /** Called with every step that runs. */
  readonly onRun: () => void;
}

/** A platform of one organization whose tasks answer at once, in this process. */
export function connectMad(
  db: Kysely<unknown>,
  { queue, signals, folder, onRun }: ConnectMad,
): { readonly platform: Platform; readonly results: ResultsDatabase } {
  const results = openResultsDatabase(db, { schema: SCHEMA });
  const platform: Platform = {
    metadata: db as unknown as MetadataDatabase,
    results: {
      async get(orgId) {
        if (orgId === ORG_ID) return results;
        throw new NotFoundError({ entity: 'organization', id: orgId });
      },
    },
    artifacts: createLocalArtifactStore({ folder }),
    tasks: createNoopRunner(onRun),
    queue,
    signals,
  };
  return { platform, results };
}

const DEFINITION_ID = '0195d0c0-0000-7000-8000-0000000000d1';
const SERVICE_ID = '0195d0c0-0000-7000-8000-0000000000d2';
const IDENTITY = {
  taskKey: 'noop',
  version: '1.0.0',
  interfaceDigest: 'noop',
  producer: null,
  determinism: 'exact',
  architecture: null,
  ignoredPointers: [],
  ignoredAnswerPointers: [],
  contentTypes: {},
} as const;

function createNoopRunner(onRun: () => void): TaskRunner {
  const open = { type: 'object' };
  return {
    resolve: async () => ({ ...IDENTITY, taskDefinitionId: DEFINITION_ID, requestSchema: open, responseSchema: open }),
    prepare: async (_orgId, { request }) => ({ request, identity: IDENTITY }),
    async run() {
      onRun();
      return {
        result: { ...ANSWER },
        serviceId: SERVICE_ID,
        serviceName: 'bench',
        schemaVersion: '1.0.0',
        computeMs: 0,
      };
    },
  };
}
