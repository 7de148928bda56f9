import { createResultCache } from '@mad/cache';
import {
  type Caller,
  createInProcessQueue,
  createLocalArtifactStore,
  type Logger,
  type MetadataDatabase,
  migrateMetadata,
  openMetadataDatabase,
  type Platform,
} from '@mad/core';
import { openEmbeddedDatabase } from '@mad/core/pglite';
import { createTaskRunner } from '@mad/tasks';
import { type Clusters, createQuotas, createResultsDatabases, findCaller, provisionOrganization } from '@mad/tenancy';

export interface OpenPlatform {
  /** Holds the databases and every artifact. */
  readonly folder: string;
  /** The only place that tasks may be called at. */
  readonly serviceUrl: string;
  readonly logger: Logger;
}

export interface OpenedPlatform extends AsyncDisposable {
  readonly platform: Platform;
  /** The administrator of the one organization. */
  readonly caller: Caller;
}

const ORGANIZATION = 'quickstart';
const ADMINISTRATOR = 'admin@example.org';

/** The four packages wired together on an embedded PostgreSQL, with one organization. Everything stays in `folder` for the next time. */
export async function openPlatform({ folder, serviceUrl, logger }: OpenPlatform): Promise<OpenedPlatform> {
  const stack = new AsyncDisposableStack();
  try {
    const { db } = stack.use(await openEmbeddedDatabase({ folder }));
    await migrateMetadata(db);
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const clusters: Clusters = { local: { kind: 'pglite', db } };
    const artifacts = createLocalArtifactStore({ folder: `${folder}/artifacts` });
    const caller = await provideAdministrator(metadata, clusters);
    const platform: Platform = {
      metadata,
      results: stack.use(createResultsDatabases({ metadata, clusters, logger })),
      artifacts,
      tasks: stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [new URL(serviceUrl).origin], logger })),
      cache: stack.use(createResultCache({ artifacts, metadata, logger })),
      quotas: createQuotas({ metadata }),
      queue: createInProcessQueue({ logger }),
      logger,
    };
    return { platform, caller, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function provideAdministrator(metadata: MetadataDatabase, clusters: Clusters): Promise<Caller> {
  const { orgId, adminUserId } = await provisionOrganization(
    { metadata, clusters },
    { name: ORGANIZATION, placement: 'schema', cluster: 'local', admin: { email: ADMINISTRATOR } },
  );
  const caller = adminUserId === null ? undefined : await findCaller(metadata, { orgId, userId: adminUserId });
  if (!caller)
    throw new Error(`${ADMINISTRATOR} is no member of ${ORGANIZATION}; remove the data folder to start over`);
  return caller;
}
