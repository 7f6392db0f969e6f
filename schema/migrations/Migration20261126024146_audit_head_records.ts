import { Migration } from '@mikro-orm/migrations';

export class Migration20261126024146_audit_head_records extends Migration {

  override name = 'Migration20261126024146_audit_head_records';

  override up(): void | Promise<void> {
    this.addSql(`alter table "audit_event" add "head_chain" uuid null, add "head_seq" bigint null, add "head_hash" varchar(64) null;`);
    this.addSql(`create index "audit_event_head_index" on "audit_event" ("head_chain", "head_seq", "id") where "head_chain" is not null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "audit_event_head_index";`);
    this.addSql(`alter table "audit_event" drop column "head_chain", drop column "head_seq", drop column "head_hash";`);
  }

}
