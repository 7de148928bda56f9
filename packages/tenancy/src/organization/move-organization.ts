import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError, checkRequest, type Logger, type OrgId, type Placement, silentLogger } from '@mad/core';
import { z } from 'zod';
import { MoveFailedError, OrganizationStateError, PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from '../results-database/cluster.ts';
import { comparePlaces, copyPlace, type OpenPlace } from '../results-database/copy-place.ts';
import { checkPlaceIsOwn, dropOwnPlace, inPlace, placeExists } from '../results-database/drop-own-place.ts';
import { ensureDatabase, migratePlace } from '../results-database/ensure-results-database.ts';
import { fenceWrites, isFenced, liftFence } from '../results-database/fence-writes.ts';
import { placeResultsDatabase } from '../results-database/results-database-place.ts';
import { beginMove, endMove, findMove, isSame, type RecordedMove, switchPlace, turnBack } from './move-record.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** What a move does after it is recorded, in this order. */
export type MoveStep = 'prepare' | 'fence' | 'copy' | 'verify' | 'switch' | 'drop' | 'end';

/** What a move works with. */
export interface MoveContext extends OrganizationContext {
  /** Called before each step; what it throws stops the move there. */
  readonly onStep?: ((step: MoveStep) => void | Promise<void>) | undefined;
}

/** Where an organization is to go. */
export interface MoveOrganization {
  readonly orgId: OrgId;
  readonly to: { readonly placement: Placement; readonly cluster: string };
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
  /** How long the place left behind stays after the switch, so that routers of other processes have looked again. @default 10_000 */
  readonly dropAfterMs?: number | undefined;
}

/** An organization that was moved, or was there already. */
export interface MovedOrganization {
  readonly orgId: OrgId;
  readonly placement: Placement;
  readonly cluster: string;
  /** Rows of each table that were copied and compared; empty where this call had nothing to copy. */
  readonly rows: Readonly<Record<string, number>>;
}

const requestSchema = z.strictObject({
  ...operatorRequest,
  to: z.strictObject({ placement: z.enum(['database', 'schema']), cluster: z.string().min(1).max(200) }),
  dropAfterMs: z.number().int().min(0).max(3_600_000).optional(),
});

/**
 * Moves an organization's Results DB to another placement or cluster. Writes to the old place are refused by its database itself, so that nothing is lost,
 * while every row and counter is copied and compared by count and SHA-256; then one transaction switches, and only then is the old place
 * dropped. Meanwhile routers refuse the organization with `OrganizationInactiveError`, status `moving`; handles of before read on and cannot write.
 * Jobs that ran are taken up by their executors behind their last commit, jobs that wait go on waiting.
 *
 * Killed anywhere, the same call goes on. Before the switch a failed move is taken back: the new place is dropped and the organization serves from the
 * old one. Two calls at once end in one move.
 * @throws {MoveFailedError} @throws {OrganizationStateError} @throws {ConflictError} when something lies in the new place already.
 * @throws {ValidationFailedError} @throws {NotFoundError} @throws {ClusterUnknownError} @throws {PlacementUnsupportedError}
 * @throws {PlaceNotOurOwnError} when the Results DB has a name that this library did not give it.
 */
export async function moveOrganization(context: MoveContext, request: MoveOrganization): Promise<MovedOrganization> {
  checkRequest(requestSchema, { subject: 'move', value: request });
  const { actor, dropAfterMs = 10_000 } = request;
  const orgId = request.orgId.toLowerCase();
  const { clusters, metadata } = context;
  if (getCluster(clusters, request.to.cluster).kind === 'pglite' && request.to.placement !== 'schema')
    throw new PlacementUnsupportedError(request.to);
  const to = placeResultsDatabase({ orgId, ...request.to });
  const around = { clusters, logger: context.logger ?? silentLogger };

  const { here, move: found } = await findMove(metadata, orgId);
  if (found && found.transition !== 'move') {
    await finishMove({ context, around, actor, move: found, dropAfterMs: 0 });
    return moveOrganization(context, request);
  }
  if (found && !isSame(found.to, to)) {
    const { placement, cluster } = found.to;
    const hint = `another call was bringing it to placement ${placement} on cluster ${cluster}: move it there first`;
    throw new OrganizationStateError({ orgId, state: 'moving', hint });
  }
  getCluster(clusters, here.cluster);
  checkPlaceIsOwn(here);
  // Looked at before anything is recorded: what lies there now is not of this move, and is not dropped with it.
  if (!found && !isSame(here, to) && (await placeExists(to, around))) {
    const hint = 'look what lies there, and drop it or choose another place';
    throw new ConflictError({ entity: 'Results DB', id: `${to.database ?? to.schema} on ${to.cluster}`, hint });
  }
  const move = found ?? (await beginMove(metadata, { to, actor }));
  const rows = move ? await carryOver({ context, around, actor, move, dropAfterMs }) : {};
  return { orgId, ...request.to, rows };
}

interface Around {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

interface Carried {
  readonly context: MoveContext;
  readonly around: Around;
  readonly actor: string | null;
  readonly move: RecordedMove;
  readonly dropAfterMs: number;
}

async function carryOver(carried: Carried): Promise<Readonly<Record<string, number>>> {
  const { context, around, actor, move } = carried;
  const { from, to } = move;
  let rows: Readonly<Record<string, number>> = {};
  const steps: Readonly<Partial<Record<MoveStep, () => Promise<unknown>>>> = {
    prepare: () => prepare(move, around),
    fence: () => inPlace(from, around, (db) => fenceWrites(db, from.schema)),
    copy: () => inBoth(move, around, copyPlace),
    verify: async () => {
      rows = await inBoth(move, around, comparePlaces);
    },
    switch: async () => {
      if (await switchPlace(context.metadata, move, actor)) return;
      const hint = 'another call has ended this move: look where it is';
      throw new OrganizationStateError({ orgId: to.orgId, state: 'elsewhere', hint });
    },
  };
  for (const [step, run] of Object.entries(steps) as [MoveStep, () => Promise<unknown>][]) {
    try {
      await context.onStep?.(step);
      await run();
    } catch (cause) {
      const serves = await takeBack(carried);
      throw new MoveFailedError({ orgId: to.orgId, step, serves, cause });
    }
  }
  around.logger.info({ orgId: to.orgId, placement: to.placement, cluster: to.cluster }, 'organization moved');
  await finishMove({ ...carried, move: { ...move, transition: 'move_drop' } });
  return rows;
}

async function prepare({ from, to }: RecordedMove, around: Around): Promise<void> {
  // A source that is fenced already was brought to its newest version by a call before.
  const fenced = await inPlace(from, around, (db) => isFenced(db, from.schema));
  if (!fenced) await migratePlace(from, around);
  await ensureDatabase(to, around);
  await migratePlace(to, around);
}

function inBoth<T>(
  { from, to }: RecordedMove,
  around: Around,
  run: (from: OpenPlace, to: OpenPlace) => Promise<T>,
): Promise<T> {
  return inPlace(from, around, (source) =>
    inPlace(to, around, (target) => run({ db: source, schema: from.schema }, { db: target, schema: to.schema })),
  );
}

/** Ends a move that did not come to its switch; says where the organization is then. */
async function takeBack(carried: Carried): Promise<string> {
  const { context, around, move } = carried;
  try {
    if (!(await turnBack(context.metadata, move))) return 'another call has ended this move';
    await finishMove({ ...carried, move: { ...move, transition: 'move_back' } });
    return 'the organization serves from its old place';
  } catch (error) {
    around.logger.error({ orgId: move.to.orgId, err: error }, 'a failed move could not be taken back');
    return 'the organization answers nothing until then, because the move could not be taken back';
  }
}

/** What is left to do after a move has switched, or was given up: both can be done twice. */
async function finishMove({ context, around, move, dropAfterMs }: Carried): Promise<void> {
  const { orgId } = move.to;
  if (move.transition === 'move_back') {
    await dropOwnPlace(move.to, around, { fenced: false });
    await inPlace(move.from, around, (db) => liftFence(db, move.from.schema));
    return endMove(context.metadata, move);
  }
  const steps: Readonly<Partial<Record<MoveStep, () => Promise<unknown>>>> = {
    drop: async () => {
      await sleep(dropAfterMs);
      await dropOwnPlace(move.from, around, { fenced: true });
    },
    end: () => endMove(context.metadata, move),
  };
  for (const [step, run] of Object.entries(steps) as [MoveStep, () => Promise<unknown>][]) {
    try {
      await context.onStep?.(step);
      await run();
    } catch (cause) {
      throw new MoveFailedError({ orgId, step, serves: 'the organization serves from its new place', cause });
    }
  }
}
