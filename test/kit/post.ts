import { randomUUID } from 'node:crypto'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql'

/** One answer as it came over the wire, and the id of its request. */
export interface Posted {
  readonly status: number
  readonly text: string
  readonly requestId: string
}

/** Posts one operation and answers the very bytes, for tests that compare those or look for a request in a log. */
export async function post<Data, Variables>(
  url: string,
  operation: { document: TypedDocumentNode<Data, Variables>; variables: Variables; authorization?: string },
): Promise<Posted> {
  const requestId = randomUUID()
  const { document, variables, authorization } = operation
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-request-id': requestId,
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: JSON.stringify({ query: print(document), variables }),
  })
  return { status: response.status, text: await response.text(), requestId }
}
