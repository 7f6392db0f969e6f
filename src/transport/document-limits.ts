import { type DocumentNode, type FieldNode, GraphQLError, type ValidationRule } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { isPublicMutation } from '../graphql/mutation.ts'

/** Of one document. The longest that tools send, the introspection of GraphiQL, has 2,100 characters and 190 tokens. */
const MAX_CHARACTERS = 15_000
const MAX_TOKENS = 1_500

/**
 * Refuses documents over the limits on every door: over those of length before they are parsed, and so before anything of
 * them is kept.
 */
export const limitDocuments: Plugin = {
  onParse({ params: { source }, parseFn, setParseFn }) {
    if ((typeof source === 'string' ? source : source.body).length > MAX_CHARACTERS) throw tooLong()
    const parse: typeof parseFn = (text, options) => {
      try {
        return parseFn(text, { ...options, maxTokens: MAX_TOKENS })
      } catch (error) {
        // The parser has no class of its own for this.
        throw error instanceof Error && /more than \d+ tokens/.test(error.message) ? tooLong() : error
      }
    }
    setParseFn(parse)
  },
  onValidate({ addValidationRule }) {
    addValidationRule(oneAuthMutation)
  },
}

/**
 * Limits are counted by the request where strangers guess, so that one request is one guess: of the mutations that are
 * open to strangers a document holds one field, under whatever name and in whichever operation or fragment. A field that
 * is written once runs once, however often its fragment is spread: those have one response name.
 */
const oneAuthMutation: ValidationRule = (context) => {
  let count = 0
  return {
    Field(node) {
      const field = context.getFieldDef()
      if (field === null || field === undefined || !isPublicMutation(field)) return
      count += 1
      if (count !== 2) return
      const message = 'A document holds one of the mutations that are open to callers who are not signed in, once.'
      context.reportError(overLimit(message, node))
    },
  }
}

function tooLong(): GraphQLError {
  return overLimit('A document has at most 15,000 characters and 1,500 tokens; send values as variables.')
}

/** With a code of its own among the engine's, which callers see as BAD_REQUEST: such a request is well-formed. */
function overLimit(message: string, node?: FieldNode): GraphQLError {
  return new GraphQLError(message, { nodes: node, extensions: { code: 'DOCUMENT_OVER_LIMIT' } })
}

// Of each kind. A document at the limits takes up to 0.7 MiB parsed (measured), so that all of them stay under 100 MiB.
const KEPT = 128

/** What the engine keeps of documents it has seen: the ones used last. */
export function parserCache() {
  return { documentCache: keepLast<DocumentNode>(KEPT), errorCache: keepLast<unknown>(KEPT) }
}

function keepLast<Value>(count: number) {
  const values = new Map<string, Value>()
  const put = (key: string, value: Value) => {
    values.delete(key)
    values.set(key, value)
    const [oldest] = values.keys()
    if (values.size > count && oldest !== undefined) values.delete(oldest)
  }
  return {
    get: (key: string) => {
      const value = values.get(key)
      if (value !== undefined) put(key, value)
      return value
    },
    set: put,
  }
}
