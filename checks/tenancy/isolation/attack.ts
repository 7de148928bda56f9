import { inspect, isDeepStrictEqual } from 'node:util';
import { type Kysely, sql } from 'kysely';
import type { Attacker, Call } from './calls.ts';
import type { Victim } from './isolated-world.ts';
import { readPossessions } from './rows-of.ts';
import { hostileLike, NAMED, nobodyLike, type Target } from './target.ts';
import type { Look } from './undone.ts';

/** What an attack brought to light. */
export interface Leak {
  readonly call: string;
  /** `told`: something of the victim came back; `changed`: something of it is not as it was; `tells`: the answer for its id is not the answer for nobody's. */
  readonly kind: 'told' | 'changed' | 'tells';
  readonly what: string;
}

export interface Attack {
  readonly attacker: Attacker;
  readonly victim: Victim;
  readonly takeLog: () => string;
}

/** Makes every call with what is the victim's, with what nobody has, and with SQL for text; says what leaked. */
export async function attackWith(
  calls: readonly Call[],
  { attacker, victim, takeLog }: Attack,
): Promise<readonly Leak[]> {
  const leaks: Leak[] = [];
  let before = await readPossessions(victim.possessions);
  for (const call of calls) {
    const note = (kind: Leak['kind'], what: string) => leaks.push({ call: `${call.kind} ${call.name}`, kind, what });
    const compare = (after: readonly string[]) => {
      if (!isDeepStrictEqual(before, after)) note('changed', differenceOf(before, after));
    };
    const look: Look = async (tx) => compare(await readInside(tx, { call, victim }));
    const askAs = async (target: Target, look?: Look) => {
      const answer = await ask({ call, attacker, target, look });
      const told = findTold(`${answer.text}\n${takeLog()}`, { victim, given: answer.given });
      if (told !== undefined) note('told', `${told}: ${answer.text.slice(0, 400)}`);
      return answer;
    };
    const answer = await askAs(victim.target, look);
    const other = await askAs(nobodyLike(victim.target));
    if (answer.given.size > 0 && call.tells === undefined && toForm(answer.text) !== toForm(other.text))
      note('tells', `${toForm(answer.text).slice(0, 300)} | nobody's: ${toForm(other.text).slice(0, 300)}`);
    await askAs(hostileLike(victim.target), look);
    if (call.kind !== 'service') continue;
    const after = await readPossessions(victim.possessions);
    compare(after);
    before = after;
  }
  return leaks;
}

/** The login of the check is a superuser: with its own role it sees in the call's transaction what that changed. */
async function readInside(
  tx: Kysely<unknown>,
  { call, victim: { possessions } }: { readonly call: Call; readonly victim: Victim },
): Promise<readonly string[]> {
  await sql`reset role`.execute(tx);
  if (call.kind === 'metadata') return readPossessions({ ...possessions, metadata: tx });
  const { resultsDb, metadata } = possessions;
  return readPossessions(resultsDb === metadata ? { ...possessions, resultsDb: tx, metadata: tx } : possessions);
}

/** What one was told, and what it had named itself. */
export interface Answer {
  readonly text: string;
  readonly given: ReadonlySet<string>;
  readonly error: unknown;
}

interface Ask {
  readonly call: Call;
  readonly attacker: Attacker;
  readonly target: Target;
  readonly look?: Look | undefined;
}

/** The whole answer as text: values, events of a stream, or the error with its details and causes. */
export async function ask({ call, attacker, target, look }: Ask): Promise<Answer> {
  const given = new Set<string>();
  const noted = new Proxy(target, {
    get(of, key) {
      const value = Reflect.get(of, key) as string;
      given.add(value);
      return value;
    },
  });
  try {
    const value = await call.run(attacker, noted, look);
    return { text: show(isStream(value) ? await Array.fromAsync(value) : value), given, error: undefined };
  } catch (error) {
    return { text: showError(error), given, error };
  }
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

const show = (value: unknown): string =>
  inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null, breakLength: Number.POSITIVE_INFINITY });

function showError(error: unknown): string {
  if (!(error instanceof Error)) return show(error);
  const { stack: _, cause, ...rest } = error as Error & { cause?: unknown };
  const causes = error.cause === undefined ? '' : `\ncaused by ${showError(error.cause)}`;
  return `${error.name}: ${error.message} ${show({ ...rest, cause: cause === undefined ? 'none' : 'below' })}${causes}`;
}

function findTold(
  text: string,
  { victim, given }: { readonly victim: Victim; readonly given: ReadonlySet<string> },
): string | undefined {
  const named = new Set([...given].flatMap((value) => value.match(NAMED) ?? []));
  for (const secret of victim.secrets) if (!named.has(secret) && text.includes(secret)) return secret;
  return undefined;
}

/** An answer without what differs from call to call. */
function toForm(text: string): string {
  return text
    .replace(NAMED, '<named>')
    .replace(/\n\s+at .*/g, '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\b[\w-]{60,}\b/g, '<cursor>')
    .replace(/\b\d{3,}(\.\d+)?\b/g, '<number>');
}

function differenceOf(before: readonly string[], after: readonly string[]): string {
  const lost = before.filter((row) => !after.includes(row));
  const come = after.filter((row) => !before.includes(row));
  const cut = (rows: readonly string[]) => rows.map((row) => row.slice(0, 200)).join('; ');
  return `before ${cut(lost)} | after ${cut(come)}`;
}
