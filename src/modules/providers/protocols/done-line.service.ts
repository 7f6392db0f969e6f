const NOT_LONGER = 16
const DONE = /(?:^|[\r\n])data: ?\[DONE\] *(?:[\r\n]|$)/

/**
 * A `fetch` whose streams of events end at `data: [DONE]`, as those of chat completions do: some servers leave the
 * connection open behind it, and whoever waits for its end waits in vain.
 */
export function endingAtDone(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const { status, headers, body, ok } = response
    const isStream = /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')
    if (!ok || body === null || !isStream) return response
    return new Response(untilDone(body), { status, headers })
  }
}

function untilDone(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  // Of the line that is still being written; the start of a longer one is enough to know that it is another.
  let line = ''
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        const text = line + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
        controller.enqueue(chunk)
        if (DONE.test(text)) return controller.terminate()
        line = text.slice(Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1).slice(0, NOT_LONGER)
      },
    }),
  )
}
