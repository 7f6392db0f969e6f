import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One change of a source: the text that has to be found there exactly once, and what stands there instead. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly put: string
}

/** Which tests a mutant has to turn red. */
export type Killers =
  /** Those of the strangers law: what these actors (a pattern of their names) try through these root fields. */
  | { readonly actors: string; readonly through: readonly string[] }
  /** Those of these files; with a pattern, the ones alone whose name matches it. */
  | { readonly files: readonly string[]; readonly named?: string }

/** A product with a gate switched off, and who has to notice. */
export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  readonly killers: Killers
  /** Why no test can notice: which other layer still stands. */
  readonly survives?: string
  /** What the failure of a test says that is none of an assertion, and proves as much. */
  readonly proof?: string
}

/** A mutant's text is not in the source any more, or is there twice: the mutant has to follow the source. */
export class StaleMutant extends Error {}

const root = join(import.meta.dirname, '../..')

/** The source of a file as it stands. */
export function sourceOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** A source with the edits that are of this file. @throws {StaleMutant} */
export function mutated(file: string, source: string, edits: readonly Edit[]): string {
  return edits
    .filter((edit) => edit.file === file)
    .reduce((text, { find, put }) => {
      const places = text.split(find).length - 1
      if (places !== 1) throw new StaleMutant(`${file} has ${places} places with the text: ${find}`)
      return text.replace(find, () => put)
    }, source)
}

/** All that is stale about a mutant. */
export function staleness({ edits }: Mutant): string[] {
  return [...new Set(edits.map(({ file }) => file))].flatMap((file) => {
    try {
      mutated(file, sourceOf(file), edits)
      return []
    } catch (error) {
      if (error instanceof Error) return [error.message]
      throw error
    }
  })
}
