import type { Logger } from '@mad/core';
import { getLigandPreparationVersion, getOpenBabelVersion, getVinaVersion } from '@mad/docking';
import { createTaskService } from '@mad/tasks/service';
import { defineDock } from './dock.ts';
import { definePrepareLigand } from './prepare-ligand.ts';
import { definePrepareReceptor } from './prepare-receptor.ts';

export interface VinaServiceOptions {
  /** @default a free port */
  readonly port?: number | undefined;
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  readonly logger?: Logger | undefined;
}

export interface VinaService {
  /** Each operation is below it: `<url>/dock/openapi.json`. */
  readonly url: string;
  /** Stops what runs, Vina too, and resolves when nothing is left. */
  close(): Promise<void>;
}

/**
 * Serves `prepare-receptor`, `prepare-ligand` and `dock`.
 * @throws {ProgramMissingError} when Vina or Open Babel is not installed.
 */
export async function startVinaService({ port, host, logger }: VinaServiceOptions = {}): Promise<VinaService> {
  const [vina, openBabel, ligandTools] = await Promise.all([
    getVinaVersion(),
    getOpenBabelVersion(),
    getLigandPreparationVersion(),
  ]);
  const operations = [definePrepareReceptor(openBabel), definePrepareLigand(ligandTools), defineDock(vina)];
  const service = createTaskService({ operations, logger });
  const { url } = await service.listen({ port, host });
  return { url, close: () => service.close({ graceMs: 0 }) };
}
