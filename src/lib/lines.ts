/** A line of a file, from 1, without what ended it; `text` is null where it is longer than allowed or not UTF-8. */
export interface Line {
  readonly number: number
  readonly text: string | null
}

const LINE_FEED = 10

/** The lines of a stream in UTF-8. Of a line over `maxBytes` nothing is kept, so that memory is bounded by it. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line, void> {
  let number = 1
  let parts: Uint8Array[] = []
  let length = 0
  const keep = (part: Uint8Array): void => {
    length += part.length
    if (length <= maxBytes) parts.push(part)
    else parts = []
  }
  const finish = (): Line => {
    const line = { number, text: length > maxBytes ? null : textOf(parts) }
    number += 1
    parts = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      keep(chunk.subarray(from, end))
      yield finish()
      from = end + 1
    }
    keep(chunk.subarray(from))
  }
  if (length > 0) yield finish()
}

function textOf(parts: readonly Uint8Array[]): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    return null
  }
}
