/** From most to least: each role may do all that the ones after it may. */
export const roles = ['OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'GUEST'] as const

/** A role in an organization, or on one thing of it. */
export type Role = (typeof roles)[number]

/** Every action that exists, as each module's policy adds it by declaration merging: `'page.read': true`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Actions {}

/** The name of an action: what gates check, tokens list and `viewerCan` shows. */
export type Action = keyof Actions & string

/**
 * What an action comes to, and so which trust level an agent needs for it. `manage` decides what others may do: no agent
 * ever does.
 */
export type ActionKind = 'read' | 'suggest' | 'write' | 'manage'

/** Who may do one action. */
export interface ActionRule {
  /** The least role on the thing it is done to; or being an administrator of the platform, which no role includes. */
  readonly least: Role | 'PLATFORM_ADMIN'
  readonly kind: ActionKind
  /** Also where it is archived, when else only reading is left. */
  readonly inArchive?: true
  /** Only by a person on a device of theirs: no key and no agent is given it or may use it, whatever they hold. */
  readonly personOnly?: true
}

/** What a viewer is to one thing: their role on it, and whether it is archived, by itself or with what it stands in. */
export interface Standing {
  /** Null where they are nobody to it. */
  readonly viewerRole: Role | null
  readonly isArchived: boolean
  /** What it stands in is archived, so that not even what is meant for the archive can be done to it. */
  readonly isClosed?: boolean
  /** The project by which it was decided, and the access epoch that had; null or absent where none decides. */
  readonly home?: { readonly projectId: string; readonly epoch: number } | null
}

/** What somebody who acts brings along; plain people have no `grants`: their role alone decides. */
export interface Grantee {
  /** In the organization. */
  readonly role: Role
  /** Of a key or an agent: the only actions it may use at all, whatever the role of whoever it acts for. */
  readonly grants: ReadonlySet<string> | null
  readonly isPlatformAdmin: boolean
}

/** The one table of who may do what. Gates, scope-auth and `viewerCan` all read this. */
const rules = new Map<string, ActionRule>()

/** Adds a noun's actions to the table. @throws when an action is defined twice: that is a bug in the code. */
export function defineActions<const Table extends Partial<Record<Action, ActionRule>>>(table: Table): Table {
  for (const [action, rule] of Object.entries<ActionRule | undefined>(table)) {
    if (rules.has(action)) throw new Error(`The action ${action} is defined twice`)
    if (rule !== undefined) rules.set(action, rule)
  }
  return table
}

/** Whether a role includes an action. An unknown action, an unknown role or no role at all is a denial. */
export function roleIncludes(role: Role | null, action: string): boolean {
  const least = rules.get(action)?.least
  if (role === null || least === undefined || least === 'PLATFORM_ADMIN' || !roles.includes(role)) return false
  return roles.indexOf(role) <= roles.indexOf(least)
}

/** The roles that include an action, for predicates of queries. */
export function rolesIncluding(action: Action): readonly Role[] {
  return roles.filter((role) => roleIncludes(role, action))
}

/**
 * The one decision: whether somebody may do this to a thing; without a thing, by their role in the organization. Whoever
 * lacks a grant, a role or a rule is denied.
 */
export function isAllowed(who: Grantee, action: string, thing?: Standing): boolean {
  const rule = rules.get(action)
  if (rule === undefined) return false
  if (rule.least === 'PLATFORM_ADMIN') return who.isPlatformAdmin && who.grants === null
  if (!isGranted(who, action)) return false
  if (thing?.isClosed === true && rule.kind !== 'read') return false
  if (thing?.isArchived === true && rule.kind !== 'read' && rule.inArchive !== true) return false
  return roleIncludes(thing === undefined ? who.role : thing.viewerRole, action)
}

/** Whether somebody brings along what an action needs beside a role: lists ask this, and their predicates the rest. */
export function isGranted({ grants }: Grantee, action: string): boolean {
  return grants === null || (grants.has(action) && isGrantable(action))
}

/** Whether a key or an agent can be given an action at all. */
export function isGrantable(action: string): boolean {
  const rule = rules.get(action)
  return rule !== undefined && rule.personOnly !== true && rule.least !== 'PLATFORM_ADMIN'
}

/** All that somebody may do to a thing, or in the organization, sorted by name. */
export function permissionsOf(who: Grantee, thing?: Standing): readonly Action[] {
  return allActions().filter((action) => isAllowed(who, action, thing))
}

/**
 * The role on what stands in a project: in one that is open to the organization the higher of both roles, in a private one
 * that of the project alone. A guest's role in the organization opens no content.
 */
export function effectiveRole(
  inOrganization: Role,
  project: { readonly visibility: Visibility; readonly role: Role | null },
): Role | null {
  if (project.visibility === 'PRIVATE' || inOrganization === 'GUEST') return project.role
  return project.role === null || isAtLeast(inOrganization, project.role) ? inOrganization : project.role
}

/** Whether a role includes all that another does. */
export function isAtLeast(role: Role, other: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(other)
}

/** Whom a project is open to: everybody in the organization, or its own members alone. */
export const visibilities = ['ORGANIZATION', 'PRIVATE'] as const
export type Visibility = (typeof visibilities)[number]

/** All actions there are, sorted by name. */
export function allActions(): readonly Action[] {
  return [...rules.keys()].sort() as Action[]
}

/** The rule of an action. */
export function ruleOf(action: Action): ActionRule | undefined {
  return rules.get(action)
}
