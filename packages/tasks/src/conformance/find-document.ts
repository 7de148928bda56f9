import { TaskFailedError } from '@mad/core';
import { below } from '../client/exchange/service-call.ts';
import { toMediaType } from '../openapi/api-operation.ts';
import type { Inspection } from './inspection.ts';

const PATHS = ['/openapi.json', '/openapi.yaml', '/openapi.yml'];

export interface FoundDocument {
  readonly text: string | object;
  /** Where it was. */
  readonly place: string;
}

/** The document as it was given, else from where it was said to be, else from where services publish it; undefined where there is none. */
export async function findDocument({ service, givenDocument }: Inspection): Promise<FoundDocument | undefined> {
  const url = findDocumentUrl(givenDocument);
  if (givenDocument !== undefined && !url) return { text: givenDocument, place: 'given' };
  for (const candidate of url ? [url] : PATHS.map((path) => below(service.url, path))) {
    const text = await read(service, candidate);
    if (text !== undefined) return { text, place: `GET ${url ? candidate.origin : ''}${candidate.pathname}` };
  }
  return undefined;
}

/** A text that is nothing but an address of the web. */
export function findDocumentUrl(document: string | object | undefined): URL | undefined {
  const text = typeof document === 'string' ? document.trim() : '';
  return /^https?:\/\/\S+$/i.test(text) ? (URL.parse(text) ?? undefined) : undefined;
}

async function read(service: Inspection['service'], url: URL): Promise<string | undefined> {
  try {
    const { status, body, header } = await service.ask({ method: 'GET', url, headers: { accept: '*/*' } });
    // Applications for browsers answer every path with their page.
    const isPage = toMediaType(header('content-type') ?? '') === 'text/html';
    return status === 200 && !isPage ? body.toString('utf8') : undefined;
  } catch (error) {
    if (error instanceof TaskFailedError) return undefined;
    throw error;
  }
}
