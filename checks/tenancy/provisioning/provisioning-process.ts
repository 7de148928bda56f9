import type { Placement } from '@mad/core';
import { type ProvisioningStep, provisionOrganization } from '@mad/tenancy';
import type { Death } from './death-cells.ts';
import { openPlatform, type PlatformUrls } from './provisioning-platform.ts';

/** What a process that is to die is told, as JSON in its first argument. */
export interface ProvisioningProcess extends PlatformUrls {
  readonly name: string;
  readonly placement: Placement;
  readonly email: string;
  readonly death: Death;
}

// Provisions one organization and dies on the way. It cannot outlive the process that started it.
const { name, placement, email, death, ...urls } = JSON.parse(process.argv[2] ?? '') as ProvisioningProcess;
process.stdin.resume().on('end', () => process.exit());
const die = () => void process.kill(process.pid, 'SIGKILL');
const platform = openPlatform(urls);
if ('afterMs' in death) setTimeout(die, death.afterMs);
const onStep = (step: ProvisioningStep, moment: string) => {
  if ('step' in death && death.step === step && death.moment === moment) die();
};
await provisionOrganization({ ...platform, onStep }, { name, placement, cluster: 'main', admin: { email } });
// One that was too fast for its death by the clock has died after all of it.
if ('afterMs' in death) die();
