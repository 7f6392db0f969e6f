import { z } from 'zod'
import { parseJson } from '../../../lib/json.ts'
import { ModelFailed } from '../../../platform/models.ts'

/** UTF-16 units of one line; each holds a few words. */
const MAX_LINE = 1_000_000

/** What the SDK needs of a line: any other it would write to the console, whatever it holds, and go on without. */
const line = z.looseObject({
  model: z.string(),
  created_at: z.string(),
  done: z.boolean(),
  message: z.looseObject({
    content: z.string(),
    role: z.string(),
    thinking: z.string().optional(),
    tool_calls: z
      .array(
        z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()) }) }),
      )
      .nullish(),
  }),
})

/**
 * A `fetch` whose streams of lines end at the first line that is no part of an answer of Ollama: with an error if nothing
 * has come before, else as if they were cut, since an error would take along what is on its way.
 */
export function checkingLines(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const { status, headers, body, ok } = response
    const isStream = typeof init?.body === 'string' && /"stream":true/.test(init.body)
    if (!ok || body === null || !isStream) return response
    return new Response(checked(body), { status, headers })
  }
}

function checked(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let rest = ''
  let hasBegun = false
  let isOver = false
  const send = (text: string, controller: TransformStreamDefaultController<Uint8Array>) => {
    if (isOver || text.trim() === '') return
    const failure = faultOf(text)
    if (failure !== null && !hasBegun) throw failure
    isOver = failure !== null
    if (isOver) return controller.terminate()
    hasBegun = true
    controller.enqueue(encoder.encode(`${text}\n`))
  }
  const decoded = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
  return decoded.pipeThrough(
    new TransformStream<string, Uint8Array>({
      transform: (chunk, controller) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > MAX_LINE) throw nonsense()
        for (const text of lines) send(text, controller)
      },
      flush: (controller) => send(rest, controller),
    }),
  )
}

function faultOf(text: string): ModelFailed | null {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && 'error' in value)
    return new ModelFailed('MODEL_FAILED', 'ollama told of an error')
  return line.safeParse(value).success ? null : nonsense()
}

function nonsense(): ModelFailed {
  return new ModelFailed('MODEL_SAID_NONSENSE', 'ollama wrote a line that is no part of an answer')
}
