import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readTar, TAR_END, tarHeader, tarPadding } from '../../src/archive/tar.ts';

export interface Piece {
  name: string;
  content: Buffer;
}

/** The files of an archive, manifest included. */
export async function unpackArchive(path: string): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const { name, content } of readTar(Readable.from([gunzipSync(await readFile(path))])))
    pieces.push({ name, content: Buffer.concat(await Array.fromAsync(content)) });
  return pieces;
}

export const packTar = (pieces: readonly Piece[]): Buffer =>
  Buffer.concat([
    ...pieces.flatMap(({ name, content }) => [tarHeader(name, content.length), content, tarPadding(content.length)]),
    TAR_END,
  ]);

/** Writes the archive anew with what `change` made of its files, or the files that it returns; the manifest tells the truth of them unless `change` touched it. */
export async function repackArchive(from: string, to: string, change: (pieces: Piece[]) => unknown): Promise<void> {
  const pieces = await unpackArchive(from);
  const told = pieces.at(-1)?.content.toString() ?? '';
  const made = change(pieces);
  const changed: Piece[] = Array.isArray(made) ? made : pieces;
  const manifest = changed.find(({ name }) => name === 'manifest.json');
  if (manifest?.content.toString() === told) {
    const parts = changed.filter(({ name }) => name.endsWith('.ndjson'));
    const files = changed.filter(({ name }) => name.startsWith('files/'));
    const whole = {
      ...JSON.parse(told),
      parts: parts.map(({ name, content }) => ({
        name,
        rows: content.toString().split('\n').length - 1,
        sha256: createHash('sha256').update(content).digest('hex'),
      })),
      files: { count: files.length, bytes: files.reduce((sum, { content }) => sum + content.length, 0) },
    };
    manifest.content = Buffer.from(JSON.stringify(whole));
  }
  await writeFile(to, gzipSync(packTar(changed)));
}
