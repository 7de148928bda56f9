import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Check } from '../check.ts';

interface Goal {
  readonly what: string;
  readonly wanted: string;
  /** null: not measured. */
  readonly found: number | null;
  readonly isMet: boolean;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** The bench against peers with its goals; small, a look that everything in it runs. */
export const durableCheck: Check = {
  name: 'durable',
  async run(size, print) {
    const args = [
      'scripts/bench.ts',
      'durable',
      '--json',
      ...(size === 'small' ? ['--quick', '--only', 'floor,mad'] : []),
    ];
    const bench = spawn(process.execPath, ['--no-deprecation', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(bench, 'close');
    let text = '';
    for await (const chunk of bench.stdout.setEncoding('utf8')) text += chunk;
    await ended;
    const { goals, contests } = JSON.parse(text.slice(text.indexOf('{'))) as { goals: Goal[]; contests: object[] };
    const counted = size === 'small' ? goals.filter(({ found }) => found !== null) : goals;
    for (const { what, wanted, found, isMet } of counted)
      print(`${isMet ? 'met' : 'MISSED'}  ${what}: ${toText(found)} (${wanted})`);
    const met = counted.filter(({ isMet }) => isMet).length;
    const missed = counted.filter(({ isMet }) => !isMet).map(({ what, found }) => `${what} ${toText(found)}`);
    return {
      // Speed is judged at full size; a quick look only tells that everything runs.
      passed: size === 'small' ? counted.length > 0 : met === counted.length,
      line: `durable ${met}/${counted.length} goals${missed.length > 0 ? `; missed: ${missed.join(', ')}` : ''}`,
      figures: { goals, contests },
    };
  },
};

const toText = (found: number | null): string => (found === null ? 'not measured' : found.toFixed(2));
