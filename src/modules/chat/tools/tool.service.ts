import { z } from 'zod'
import { canonicalJson, sha256Hex } from '../../../lib/hash.ts'
import { unstorableIn } from '../../../lib/storable-text.ts'
import { decodeTypeId } from '../../../lib/typeid.ts'
import type { Context } from '../../../platform/context.ts'
import { InvalidInput } from '../../../platform/errors.ts'
import type { ToolDescription } from '../../../platform/models.ts'
import type { ToolSources } from './tool-call.entity.ts'

/** What came of a tool: for the model, and for those who may read what it was read from. */
export interface ToolOutcome {
  /** JSON; the tool keeps it short. */
  readonly output: unknown
  readonly sources?: Partial<ToolSources>
}

/** Something a model may have done, with the permissions of whoever it answers. */
export interface Tool {
  readonly name: string
  /** Whether it changes something: then it asks first, unless the session says otherwise. */
  readonly changes: boolean
  readonly description: ToolDescription
  /**
   * What is to be done with this input, as the model wrote it; nothing is done before it is run. The context's viewer is who
   * asked, its audience all who read the answer: what one of them may not read is not there.
   * @throws {InvalidInput} when the input breaks the tool's rules
   */
  prepare(input: unknown): (ctx: Context) => Promise<ToolOutcome>
}

interface ToolDefinition<Schema extends z.ZodType> {
  readonly name: string
  readonly changes: boolean
  /** For the model. */
  readonly description: string
  readonly input: Schema
  readonly run: (ctx: Context, input: z.output<Schema>) => Promise<ToolOutcome>
}

/** UTF-16 units of an input's JSON. */
const MAX_INPUT_LENGTH = 64_000

/** Makes a tool: its input is parsed once, here. */
export function defineTool<Schema extends z.ZodType>(definition: ToolDefinition<Schema>): Tool {
  const { name, changes, description, input: schema, run } = definition
  const { $schema: _, ...inputSchema } = z.toJSONSchema(schema, { io: 'input' })
  return {
    name,
    changes,
    description: { name, description, inputSchema },
    prepare: (input) => {
      if (!isKeepable(input)) throw new InvalidInput([{ path: [], message: 'is no JSON object of a usual size' }])
      const parsed = schema.safeParse(input)
      if (parsed.success) return (ctx) => run(ctx, parsed.data)
      throw new InvalidInput(parsed.error.issues.map(({ path, message }) => ({ path: path.map(String), message })))
    },
  }
}

/** Whether an input can be kept as the model wrote it: JSON in bounds, without what no database column can hold. */
export function isKeepable(input: unknown): boolean {
  if (input === undefined || unstorableIn(input).length > 0) return false
  try {
    return canonicalJson(input).length <= MAX_INPUT_LENGTH
  } catch {
    // A number beyond all bounds, which JSON has no word for.
    return false
  }
}

/** What an approval is bound to: exactly this tool with exactly this input. */
export function digestOf(name: string, input: unknown): string {
  return sha256Hex(canonicalJson([name, input]))
}

/** An id of a kind in a tool's input; a UUID from here on. */
export function idIn(prefix: string) {
  return z
    .string()
    .max(100)
    .meta({ description: `An id that begins with ${prefix}_.` })
    .transform((text, check) => {
      const id = decodeTypeId(text)
      if (id?.prefix === prefix) return id.uuid
      check.addIssue(`is no id of the kind ${prefix}_…`)
      return z.NEVER
    })
}
