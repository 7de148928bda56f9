import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { buildPackages } from './build.ts';
import { listPublicPackages, type PackageManifest, readManifest, root, type WorkspacePackage } from './repository.ts';
import { typecheckProject } from './typecheck-project.ts';

const run = promisify(execFile);

/**
 * Proves that what would be published works for those who install it: builds and packs every public package, lints each tarball, installs all
 * of them into an empty project, imports every sub-path under plain Node, starts every bin, and type-checks a consumer with the packages' own
 * declarations. Returns what is wrong, one line each.
 */
export async function checkPackages(): Promise<readonly string[]> {
  const unbuilt = await buildPackages();
  if (unbuilt.length > 0) return unbuilt.map((name) => `${name} does not build`);
  const packages = listPublicPackages();
  const home = await mkdtemp(join(tmpdir(), 'mad-packages-'));
  try {
    const tarballs = await pack(packages, home);
    const problems = await Promise.all(packages.map((each) => lint(each, tarballs)));
    await install(packages, { home, tarballs });
    return [...problems.flat(), ...(await importAll(packages, home)), ...(await typecheckConsumer(packages, home))];
  } finally {
    await rm(home, { recursive: true });
  }
}

type Tarballs = Readonly<Record<string, string>>;

async function pack(packages: readonly WorkspacePackage[], home: string): Promise<Tarballs> {
  const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`);
  await pnpm([...filters, 'pack', '--pack-destination', home], root);
  return Object.fromEntries(
    packages.map(({ manifest: { name, version } }) => [
      name,
      join(home, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`),
    ]),
  );
}

async function lint({ manifest }: WorkspacePackage, tarballs: Tarballs): Promise<readonly string[]> {
  const bytes = await readFile(tarballs[manifest.name] ?? '');
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(bytes).buffer },
    strict: true,
  });
  const problems = messages.map((message) => `${manifest.name}: ${formatMessage(message, pkg) ?? message.code}`);
  const published = Object.keys((pkg.exports ?? {}) as object);
  const missing = Object.keys(manifest.exports ?? {}).filter((subPath) => !published.includes(subPath));
  return [
    ...problems,
    ...missing.map((subPath) => `${manifest.name}: exports has ${subPath}, publishConfig.exports lacks it`),
  ];
}

async function install(
  packages: readonly WorkspacePackage[],
  { home, tarballs }: { home: string; tarballs: Tarballs },
): Promise<void> {
  const files = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]));
  const peers = packages.map(({ manifest }) => pickPeers(manifest));
  const { devDependencies = {} } = readManifest(root);
  const dependencies = Object.assign({ '@types/node': devDependencies['@types/node'] }, ...peers, files);
  await writeFile(
    join(home, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  );
  // JSON is YAML. The overrides make the packages find each other's tarballs too.
  await writeFile(join(home, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: files }));
  // The repository's own install left everything in the store; a cleaned cache is filled from the registry.
  await pnpm(['install', '--offline'], home).catch(() => pnpm(['install'], home));
}

/** Optional peers at the version that the package itself is tested with. */
function pickPeers({ peerDependencies = {}, devDependencies = {} }: PackageManifest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(peerDependencies).map(([name, range]) => [name, devDependencies[name] ?? range]),
  );
}

async function importAll(packages: readonly WorkspacePackage[], home: string): Promise<readonly string[]> {
  const modules = listModules(packages).map((module) => [
    '--input-type=module',
    '-e',
    `await import(${JSON.stringify(module)})`,
  ]);
  const bins = packages
    .flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))
    .map((bin) => join(home, 'node_modules/.bin', bin));
  const problems = [
    ...modules.map((args) => attempt(args.at(-1) ?? '', run(process.execPath, args, { cwd: home }))),
    ...bins.map((bin) => attempt(`${bin} --version`, run(bin, ['--version'], { cwd: home }))),
  ];
  return (await Promise.all(problems)).flat();
}

async function attempt(what: string, running: Promise<unknown>): Promise<readonly string[]> {
  return running.then(
    () => [],
    (error: { stderr?: string; message: string }) => [
      `${what} fails under plain Node: ${error.stderr || error.message}`,
    ],
  );
}

async function typecheckConsumer(packages: readonly WorkspacePackage[], home: string): Promise<readonly string[]> {
  const lines = listModules(packages).map((module, index) => `export * as module${index} from '${module}';\n`);
  await writeFile(join(home, 'consumer.ts'), lines.join(''));
  const diagnostics = await typecheckProject(home, {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    types: ['node'],
  });
  // Declarations of other packages are checked along, and some have errors of their own; those are theirs.
  const ours = diagnostics.filter(
    ({ file }) => !file.includes(`${sep}node_modules${sep}`) || file.includes(`${sep}@mad${sep}`),
  );
  return ours.map(
    ({ file, line, message }) => `a consumer's type check fails at ${file.slice(home.length + 1)}:${line}: ${message}`,
  );
}

function listModules(packages: readonly WorkspacePackage[]): readonly string[] {
  return packages.flatMap(({ manifest: { name, exports = {} } }) =>
    Object.keys(exports).map((subPath) => name + subPath.slice(1)),
  );
}

async function pnpm(args: readonly string[], cwd: string): Promise<unknown> {
  const { engines } = readManifest(root);
  return run('npx', ['-y', '--prefer-offline', `pnpm@${engines?.pnpm}`, ...args], { cwd });
}

if (import.meta.main) {
  const problems = await checkPackages();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
