import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql'
import { PageEventsDocument, type PageEventsSubscription } from '../gql/graphql.ts'
import type { Person } from '../kit/people.ts'
import { expectNoLeak } from './wire.ts'

/** One message of a stream. */
export interface StreamMessage<Data = PageEventsSubscription> {
  readonly event: string
  readonly data: { readonly data?: Data; readonly errors?: readonly object[] } | null
}

/** A subscription over server-sent events, read message by message. */
export interface EventStream<Data = PageEventsSubscription> {
  readonly status: number
  /** The next message, or null at the end. @throws when none comes within 10 s */
  next(): Promise<StreamMessage<Data> | null>
  /** Goes away without a word. */
  abort(): void
}

const LIMIT_MILLIS = 10_000

/** Watches a page over server-sent events, as the person or whoever else `authorization` speaks for. */
export async function watchPage(
  person: Pick<Person, 'url' | 'tokens'>,
  page: { readonly id: string; readonly eventsCursor: string },
  authorization = `Bearer ${person.tokens.accessToken}`,
): Promise<EventStream> {
  return openStream(person.url, authorization, PageEventsDocument, { pageId: page.id, after: page.eventsCursor })
}

/** Subscribes over server-sent events. */
export async function openStream<Data, Variables>(
  url: string,
  authorization: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<EventStream<Data>> {
  const gone = new AbortController()
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization,
    },
    body: JSON.stringify({ query: print(document), variables }),
    signal: gone.signal,
  })
  const messages = messagesOf<Data>(response)
  return {
    status: response.status,
    abort: () => gone.abort(),
    next: async () => {
      const limit = setTimeout(() => gone.abort(new Error('No message came')), LIMIT_MILLIS)
      const { value } = await messages.next().finally(() => clearTimeout(limit))
      return value ?? null
    },
  }
}

async function* messagesOf<Data>(response: Response): AsyncGenerator<StreamMessage<Data>, undefined> {
  let held = ''
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (held + text).split('\n\n')
    held = parts.pop() ?? ''
    for (const part of parts) {
      expectNoLeak(part)
      const fields = new Map(part.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^\w*: ?/, '')]))
      const [event, data] = [fields.get('event'), fields.get('data')]
      if (event !== undefined) yield { event, data: data === undefined || data === '' ? null : JSON.parse(data) }
    }
  }
}
