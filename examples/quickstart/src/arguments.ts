import { parseArgs } from 'node:util';

export interface Arguments {
  readonly smiles: string;
  readonly json: boolean;
  readonly fresh: boolean;
  readonly exhaustiveness: number;
  readonly seed: number | undefined;
  readonly center: readonly [number, number, number] | undefined;
  readonly size: readonly [number, number, number] | undefined;
  readonly dock: string;
  readonly serviceUrl: string | undefined;
  readonly folder: string | undefined;
}

export const HELP = `Docks a molecule into Aurora A kinase (PDB 5DT0), then shows that the same job is never docked twice.

  npm start                              JNJ-7706621, a known inhibitor, back into its crystal structure
  npm start -- --smiles 'c1ccccc1O'      another molecule

  --smiles TEXT           the ligand (default: JNJ-7706621)
  --center X,Y,Z          centre of the box in Å, such as --center -18.37,-20.4,3.8 (default: that of the crystal ligand)
  --size X,Y,Z            edges of the box in Å (default: the crystal ligand and 6 Å around it)
  --exhaustiveness N      Vina's effort (default 8)
  --seed N                Vina's seed (default: drawn, and recorded)
  --dock RANGE            version range of the docking task (default ^1)
  --service-url URL       a docking service that is already running (default: one is started)
  --data FOLDER           where databases and files are kept (default .mad/quickstart)
  --fresh                 compute even what is in the cache
  --json                  one JSON object on standard output, nothing else (with npm: npm start --silent -- --json)

The receptor is always 5DT0. To dock into a protein of your own, change the structure and the crystal ligand's name at the top of
examples/quickstart/src/dock.ts.
`;

/** Thrown for an argument that cannot be read; its message says what was expected. */
export class ArgumentError extends Error {}

/** JNJ-7706621, the ligand of PDB 5DT0. */
const JNJ_7706621 = 'NC1=NC(Nc2ccc(cc2)S(N)(=O)=O)=NN1C(=O)c1c(F)cccc1F';

/** The arguments, or undefined where help was asked for. @throws {ArgumentError} */
export function parseArguments(argv: readonly string[]): Arguments | undefined {
  const values = read(argv);
  if (values.help) return undefined;
  return {
    smiles: values.smiles ?? JNJ_7706621,
    json: values.json ?? false,
    fresh: values.fresh ?? false,
    exhaustiveness: values.exhaustiveness === undefined ? 8 : whole('--exhaustiveness', values.exhaustiveness),
    seed: values.seed === undefined ? undefined : whole('--seed', values.seed),
    center: values.center === undefined ? undefined : triple('--center', values.center),
    size: values.size === undefined ? undefined : triple('--size', values.size),
    dock: values.dock ?? '^1',
    serviceUrl: values['service-url'] === undefined ? undefined : address('--service-url', values['service-url']),
    folder: values.data,
  };
}

function read(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: joinTriples(argv),
      options: {
        smiles: text,
        center: text,
        size: text,
        exhaustiveness: text,
        seed: text,
        dock: text,
        'service-url': text,
        data: text,
        fresh: flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new ArgumentError(
      `${error instanceof Error ? error.message.split('\n')[0] : 'unknown argument'}; see --help`,
    );
  }
}

/** `--center -1,2,3` as `--center=-1,2,3`: what begins with a minus is read as an option of its own otherwise. */
function joinTriples(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const argument of argv) {
    const last = joined.at(-1);
    if ((last === '--center' || last === '--size') && /^-?\.?\d/.test(argument))
      joined.push(`${joined.pop()}=${argument}`);
    else joined.push(argument);
  }
  return joined;
}

function address(option: string, text: string): string {
  const isAddress = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isAddress)
    throw new ArgumentError(`${option} expects an address such as http://127.0.0.1:8080, got ${JSON.stringify(text)}`);
  return text;
}

function whole(option: string, text: string): number {
  if (!/^\d{1,10}$/.test(text))
    throw new ArgumentError(`${option} expects a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

function triple(option: string, text: string): [number, number, number] {
  const [x, y, z, ...more] = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (x === undefined || y === undefined || z === undefined || more.length > 0 || ![x, y, z].every(Number.isFinite)) {
    throw new ArgumentError(`${option} expects three numbers such as 12.5,-3,8, got ${JSON.stringify(text)}`);
  }
  return [x, y, z];
}
