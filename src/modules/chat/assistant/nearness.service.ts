import { similarityOf } from '../../../lib/vectors.ts'
import type { Context } from '../../../platform/context.ts'
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
 * How near the sentences of passages that are near by meaning are to a question: cosines, of the 40 nearest first. None when
 * there is no embedder, or it has too much to do, or it reads something else.
 */
export async function similaritiesTo(
  { platform, request }: Context,
  question: string,
  sentences: readonly Sentence[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Sentence, number>> {
  const { embedder, log } = platform
  const asked = question.slice(0, MAX_QUESTION_LENGTH).toWellFormed()
  const near = sentences
    .filter((sentence) => isInNearPart(sentence) && embedder?.reads(embeddedText(sentence), sentence.language))
    .slice(0, MAX_SENTENCES)
  if (embedder === null || near.length === 0 || !embedder.reads(asked, null)) return new Map()
  try {
    const [vector, ...vectors] = await embedder.embed([asked, ...near.map(embeddedText)], { signal, isUrgent: true })
    const similarities = vectors.map((other) => (vector === undefined ? 0 : similarityOf(vector, other)))
    return new Map(near.map((sentence, index) => [sentence, similarities[index] ?? 0]))
  } catch (error) {
    signal.throwIfAborted()
    log.warn({ err: error, requestId: request.id }, 'a question went without its meaning')
    return new Map()
  }
}

function isInNearPart({ passage: { nearFrom }, start, text }: Sentence): boolean {
  return nearFrom !== null && start + text.length > nearFrom && start < nearFrom + NEAR_LENGTH
}

/** With what stands over it, which says what it is about. */
function embeddedText({ passage: { title, heading }, text }: Sentence): string {
  return [title, heading, text].filter((part) => part !== '').join(': ')
}
