import type { Placement } from '@mad/core';
import type { ProvisioningStep } from '@mad/tenancy';

/** When a process that provisions is killed: at a step, or so long after it began. */
export type Death =
  | { readonly step: ProvisioningStep; readonly moment: 'before' | 'after' }
  | { readonly afterMs: number };

/** One organization whose provisioning is killed, and what the next call does. */
export interface DeathCell {
  readonly placement: Placement;
  /** Whether the warm pool holds a database for it. */
  readonly warm: boolean;
  readonly death: Death;
  readonly end: 'resume' | 'take back';
}

// What is made as a copy needs no migrations.
const STEPS: readonly ProvisioningStep[] = ['record', 'database', 'activate'];
const WAYS = [
  { placement: 'database', warm: false },
  { placement: 'database', warm: true },
  { placement: 'schema', warm: false },
] as const;
const ENDS = ['resume', 'take back'] as const;

const AT_STEPS: readonly Death[] = STEPS.flatMap((step) => [
  { step, moment: 'before' },
  { step, moment: 'after' },
]);

/** Every way, step and end; and `atRandom` deaths somewhere on each way. */
export function listDeathCells(atRandom: number): readonly DeathCell[] {
  return WAYS.flatMap((way) => {
    const anywhere = Array.from({ length: atRandom }, () => ({ afterMs: Math.round(Math.random() * 150) }));
    // With a database of the pool there is one step, and the organization is there or it is not.
    const steps = AT_STEPS.filter((death) => !way.warm || ('step' in death && death.step === 'record'));
    return [...anywhere, ...steps].flatMap((death) => ENDS.map((end) => ({ ...way, death, end })));
  });
}

/** One of each way, at the steps where most is half done. */
export const FEW_DEATH_CELLS: readonly DeathCell[] = [
  { placement: 'database', warm: false, death: { step: 'activate', moment: 'after' }, end: 'take back' },
  { placement: 'database', warm: true, death: { step: 'record', moment: 'after' }, end: 'resume' },
  { placement: 'database', warm: false, death: { step: 'database', moment: 'after' }, end: 'take back' },
  { placement: 'schema', warm: false, death: { step: 'activate', moment: 'before' }, end: 'resume' },
];

export const nameCell = ({ placement, warm, death, end }: DeathCell): string =>
  `${warm ? 'warm ' : ''}${placement}, ${'step' in death ? `${death.moment} ${death.step}` : `after ${death.afterMs} ms`}, ${end}`;
