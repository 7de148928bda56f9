import SwaggerParser from '@apidevtools/swagger-parser';
import { defineOperation } from '@mad/tasks/service';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toMultipart } from '../../src/client/request/form-body.ts';
import { noFiles } from '../../src/client/request/request-files.ts';
import { wait } from '../operations.ts';
import { serve } from './serve.ts';

const pdb = z.string().meta({ contentMediaType: 'chemical/x-pdb' });
const bytes = z.string().meta({ contentMediaType: 'application/octet-stream', contentEncoding: 'base64' });

/** Gives back what it was given. */
const fields = z.object({
  receptor: pdb,
  map: bytes.optional(),
  ligands: z.array(pdb).optional(),
  box: z.object({ size: z.number() }).optional(),
  seed: z.int().optional(),
  scores: z.array(z.number()).optional(),
  name: z.string().nullable().optional(),
  note: pdb.nullable().optional(),
});
const echo = defineOperation({
  taskKey: 'echo',
  version: '1.0.0',
  title: 'Echo',
  description: '',
  determinism: 'exact',
  request: fields,
  response: fields,
  run: (request) => request,
});

const RECEPTOR = 'REMARK é\r\nATOM\r\n';

function form(parts: Record<string, string | Blob | readonly (string | Blob)[]>): FormData {
  const data = new FormData();
  for (const [name, given] of Object.entries(parts))
    for (const part of Array.isArray(given) ? given : [given]) {
      if (typeof part === 'string') data.append(name, part);
      else data.append(name, part as Blob, `${name}.txt`);
    }
  return data;
}

async function send(url: string, init: RequestInit) {
  const response = await fetch(`${url}/echo/execute`, { method: 'POST', ...init });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a request as a form', () => {
  test('is a second content type of operations that take files, and of no other', async () => {
    const { document } = echo;
    await SwaggerParser.validate(structuredClone(document) as never, { resolve: { external: false } });
    const body = {
      'application/json': {},
      'multipart/form-data': { schema: { $ref: '#/components/schemas/Request' } },
    };
    expect(document).toMatchObject({ paths: { '/execute': { post: { requestBody: { content: body } } } } });
    expect(JSON.stringify(wait.document)).not.toContain('multipart');
    await using served = await serve({ operations: [wait] });
    const response = await fetch(`${served.url}/wait/execute`, { method: 'POST', body: form({ ms: '0' }) });
    expect(response.status).toBe(415);
  });

  test('means the same as in JSON: files their bytes, text itself, the rest its JSON', async () => {
    await using served = await serve({ operations: [echo] });
    const parts = {
      receptor: new Blob([RECEPTOR]),
      map: new Blob([new Uint8Array([0, 255, 128])]),
      ligands: [new Blob(['first']), new Blob(['second'])],
      box: '{"size":15}',
      seed: '7',
      scores: '1.5',
      name: '42',
      note: 'as text',
    };
    expect(await send(served.url, { body: form(parts) })).toEqual({
      status: 200,
      body: {
        receptor: RECEPTOR,
        map: Buffer.from([0, 255, 128]).toString('base64'),
        ligands: ['first', 'second'],
        box: { size: 15 },
        seed: 7,
        scores: [1.5],
        name: '42',
        note: 'as text',
      },
    });
  });

  test('may be written by the client of this library', async () => {
    await using served = await serve({ operations: [echo] });
    const file = {
      path: ['receptor'],
      contentType: 'chemical/x-pdb',
      base64: false,
      byAddress: false,
      value: RECEPTOR,
    };
    const { headers, body } = toMultipart(
      [
        { name: 'receptor', value: RECEPTOR, file, contentType: undefined },
        { name: 'box', value: { size: 2 }, file: undefined, contentType: undefined },
        { name: 'seed', value: 3, file: undefined, contentType: undefined },
      ],
      noFiles,
    );
    const bytes = Buffer.concat(await body.toArray());
    expect(await send(served.url, { headers, body: bytes })).toMatchObject({
      status: 200,
      body: { receptor: RECEPTOR, box: { size: 2 }, seed: 3 },
    });
  });

  test('repeats under its Idempotency-Key, however it was cut', async () => {
    await using served = await serve({ operations: [echo] });
    const headers = { 'idempotency-key': 'k' };
    const sent = () => send(served.url, { headers, body: form({ receptor: new Blob([RECEPTOR]) }) });
    expect([(await sent()).status, (await sent()).status]).toEqual([200, 200]);
    const other = await send(served.url, { headers, body: form({ receptor: new Blob(['other']) }) });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_KEY_REUSED' } } });
  });

  test.each([
    ['a value of another type', { receptor: 'x', seed: 'seven' }, '422 VALIDATION_FAILED'],
    ['no file', { seed: '7' }, '422 VALIDATION_FAILED'],
    ['a field that is none', { receptor: 'x', nothing: '7' }, '422 VALIDATION_FAILED'],
    ['a field __proto__', { receptor: 'x', ['__proto__']: '{}' }, '422 VALIDATION_FAILED'],
    ['a file that is no text', { receptor: new Blob([new Uint8Array([255, 254, 0])]) }, '400 INVALID_FORM'],
    ['two files for one', { receptor: ['x', 'y'] }, '400 INVALID_FORM'],
    ['parts without end', { receptor: 'x', ligands: Array.from({ length: 1_100 }, () => 'y') }, '400 INVALID_FORM'],
    ['too many bytes', { receptor: 'x'.repeat(500_000) }, '413 PAYLOAD_TOO_LARGE'],
  ])('with %s is refused', async (_, parts, expected) => {
    await using served = await serve({ operations: [echo], maxRequestBytes: 400_000 });
    const { status, body } = await send(served.url, { body: form(parts as never) });
    expect(`${status} ${(body.error as { code: string }).code}`).toBe(expected);
  });

  test.each([
    ['no boundary', 'multipart/form-data', 'x'],
    ['another boundary', 'multipart/form-data; boundary=a', '--b\r\n\r\n--b--\r\n'],
    ['no end', 'multipart/form-data; boundary=a', '--a\r\ncontent-disposition: form-data; name="seed"\r\n\r\n7'],
    ['nothing in it', 'multipart/form-data; boundary=a', ''],
  ])('with %s is refused', async (_, type, body) => {
    await using served = await serve({ operations: [echo] });
    const answer = await send(served.url, { headers: { 'content-type': type }, body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_FORM' } } });
  });
});
