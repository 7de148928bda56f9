import { findOrphans, provisionOrganization } from '@mad/tenancy';
import type { Check } from '../check.ts';
import { FEW_DEATH_CELLS, listDeathCells, nameCell } from './provisioning/death-cells.ts';
import { createProvisioningPlatform } from './provisioning/provisioning-platform.ts';
import { runDeathCell } from './provisioning/run-death-cell.ts';

/**
 * A process that provisions an organization is killed with SIGKILL before and after each step, and anywhere between; in both placements, with a database
 * of the warm pool and without. The next call brings it to its end, or takes it back. Half of it never answers, and nothing is left on the cluster that
 * no row knows.
 */
export const provisioningCheck: Check = {
  name: 'provisioning',
  async run(size, print) {
    await using platform = await createProvisioningPlatform();
    const cells = size === 'full' ? listDeathCells(4) : FEW_DEATH_CELLS;
    let survived = 0;
    for (const cell of cells) {
      const faults = await runDeathCell(platform, cell).catch((error: unknown) => [
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      ]);
      for (const fault of faults) print(`${nameCell(cell)}: ${fault}`);
      if (faults.length === 0) survived++;
    }
    await provisionOrganization(platform, { name: 'the last one', placement: 'database', cluster: 'main' });
    const orphans = await findOrphans(platform);
    for (const { kind, name } of orphans) print(`left at the end: ${kind} ${name}`);
    const line = `provisioning killed ${cells.length} times, ${survived}/${cells.length} finished or taken back, ${orphans.length} orphans`;
    const passed = survived === cells.length && orphans.length === 0;
    return { passed, line, figures: { cells: cells.length, survived, orphans: orphans.length } };
  },
};
