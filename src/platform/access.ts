/** From most to least: each role may do all that the ones after it may. */
export const roles = ['OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'GUEST'] as const

/** A role in an organization, or on one thing of it. */
export type Role = (typeof roles)[number]

/** Every action that exists, as each module's policy adds it by declaration merging: `'page.read': true`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Actions {}

/** The name of an action: what gates check, tokens list and `viewerCan` shows. */
export type Action = keyof Actions & string

/** The one table of who may do what: action → least role. Gates, scope-auth and `viewerCan` all read this. */
const leastRoles = new Map<string, Role>()

/** Adds a noun's actions to the table. @throws when an action is defined twice: that is a bug in the code. */
export function defineActions<const Table extends Partial<Record<Action, Role>>>(table: Table): Table {
  for (const [action, role] of Object.entries(table)) {
    if (leastRoles.has(action)) throw new Error(`The action ${action} is defined twice`)
    leastRoles.set(action, role as Role)
  }
  return table
}

/** Whether a role includes an action. An unknown action, an unknown role or no role at all is a denial. */
export function roleIncludes(role: Role | null, action: string): boolean {
  const least = leastRoles.get(action)
  if (role === null || least === undefined || !roles.includes(role)) return false
  return roles.indexOf(role) <= roles.indexOf(least)
}

/** All actions a role includes, sorted by name. */
export function permissionsOf(role: Role | null): readonly Action[] {
  return allActions().filter((action) => roleIncludes(role, action))
}

/** All actions there are, sorted by name. */
export function allActions(): readonly Action[] {
  return [...leastRoles.keys()].sort() as Action[]
}
