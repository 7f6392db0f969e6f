import { similarityOf } from '../../../lib/vectors.ts'
import type { Context } from '../../../platform/context.ts'
import { requireViewer } from '../../../platform/gate.ts'
import type { Passage } from './passage.reads.ts'
import type { Written } from './word.reads.ts'

/** A sentence of a passage, and where it begins in its text. */
export interface Sentence extends Written {
  readonly passage: Passage
  readonly start: number
}

const MAX_SENTENCES = 40
/** What a model reads of a question, in UTF-16 units: some 60 words. */
const MAX_QUESTION_LENGTH = 400
/** From where a passage is near: as much as is embedded of it in one piece. */
const NEAR_LENGTH = 400

/**
 * How near sentences are to a question: the cosines of the first 40 that the embedder reads, and 0 for the rest of those. None
 * when there is no embedder, or it has too much to do, or the question is none that it reads.
 */
export async function similaritiesTo(
  ctx: Context,
  question: string,
  sentences: readonly Sentence[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Sentence, number>> {
  const { embedder, log } = ctx.platform
  const asked = question.slice(0, MAX_QUESTION_LENGTH).toWellFormed()
  if (embedder === null || !embedder.reads(asked, null)) return new Map()
  const readable = sentences.filter((sentence) => embedder.reads(embeddedText(sentence), sentence.language))
  if (readable.length === 0) return new Map()
  try {
    const texts = readable.slice(0, MAX_SENTENCES).map(embeddedText)
    const [vector, ...vectors] = await embedder.embed([asked, ...texts], {
      signal,
      urgentFor: requireViewer(ctx).userId,
    })
    const similarities = vectors.map((other) => (vector === undefined ? 0 : similarityOf(vector, other)))
    return new Map(readable.map((sentence, index) => [sentence, similarities[index] ?? 0]))
  } catch (error) {
    signal.throwIfAborted()
    log.warn({ err: error, requestId: ctx.request.id }, 'a question went without its meaning')
    return new Map()
  }
}

/** Whether a sentence is in the part of its passage that is near by meaning. */
export function isInNearPart({ passage: { nearFrom }, start, text }: Sentence): boolean {
  return nearFrom !== null && start + text.length > nearFrom && start < nearFrom + NEAR_LENGTH
}

/** With what stands over it, which says what it is about. */
function embeddedText({ passage: { title, heading }, text }: Sentence): string {
  return [title, heading, text].filter((part) => part !== '').join(': ')
}
