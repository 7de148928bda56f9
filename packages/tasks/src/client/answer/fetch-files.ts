import {
  type ArtifactReference,
  type ArtifactStore,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  type OrgId,
  TaskFailedError,
} from '@mad/core';
import { listFilePlaces, replacePlaces } from '../../openapi/file-places.ts';
import type { OutboundPolicy } from '../exchange/outbound-policy.ts';
import { sendRequest } from '../exchange/send-request.ts';
import type { Connection } from '../exchange/service-call.ts';
import { contractViolation } from './read-json-body.ts';
import { failureOfAnswer } from './service-failure.ts';

export interface FetchFiles extends Pick<Connection, 'dispatcher'> {
  readonly artifacts: ArtifactStore;
  readonly orgId: OrgId;
  /** Of the response. */
  readonly schema: JsonSchema;
  /** What relative addresses are relative to. */
  readonly serviceUrl: URL;
  readonly policy: OutboundPolicy;
  readonly maxFileBytes: number;
  readonly signal: AbortSignal;
}

/**
 * The response with each file that it names by its address copied in, and its artifact reference in that place: what lies at a service may be gone
 * tomorrow. Only origins that may be called are asked, without credentials.
 * @throws {TaskFailedError} RESULT_FILE_NOT_ALLOWED, RESPONSE_TOO_LARGE, and as any call.
 */
export async function fetchFiles(response: JsonObject, fetching: FetchFiles): Promise<JsonObject> {
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const { path, byAddress, contentType, value } of listFilePlaces(fetching.schema, response)) {
    if (!byAddress || typeof value !== 'string') continue;
    replacements.push({ path, value: await fetchFile({ address: value, contentType }, fetching) });
  }
  return replacements.length === 0 ? response : (replacePlaces(response, replacements) as JsonObject);
}

async function fetchFile(
  { address, contentType }: { readonly address: string; readonly contentType: string },
  { artifacts, orgId, serviceUrl, policy, maxFileBytes, ...connection }: FetchFiles,
): Promise<JsonValue> {
  const url = requireAllowed(URL.parse(address, serviceUrl.href)?.href ?? '', policy);
  const answer = await sendRequest({
    ...{ method: 'GET', url, headers: { accept: `${contentType}, */*;q=0.1` } },
    ...{ signal: connection.signal, dispatcher: connection.dispatcher, maxResponseBytes: 64 * 1024 },
    files: {
      maxBytes: maxFileBytes,
      find: (status) =>
        status === 200
          ? async (body) => {
              const { digest, sizeBytes } = await artifacts.put(orgId, body);
              const reference: ArtifactReference = { $artifact: digest, contentType, sizeBytes };
              return reference;
            }
          : undefined,
    },
  });
  if (answer.stored !== undefined) return answer.stored;
  throw answer.status < 300
    ? contractViolation(`answered ${answer.status} at the address of a file of its result`)
    : failureOfAnswer(answer);
}

function requireAllowed(address: string, policy: OutboundPolicy): URL {
  try {
    return policy.parse(address);
  } catch (cause) {
    const origin = URL.parse(address)?.origin ?? 'no address';
    throw new TaskFailedError({
      failureCode: 'RESULT_FILE_NOT_ALLOWED',
      message: `the result names a file at ${origin}, which may not be called here; the operator must add this origin to allowedOrigins`,
      retryable: false,
      details: { origin },
      cause,
    });
  }
}
