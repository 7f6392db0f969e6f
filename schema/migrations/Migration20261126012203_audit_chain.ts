import { Migration } from '@mikro-orm/migrations';

export class Migration20261126012203_audit_chain extends Migration {

  override name = 'Migration20261126012203_audit_chain';

  override up(): void | Promise<void> {
    this.addSql(`create table "audit_head" ("chain" uuid not null, "seq" bigint not null, "hash" varchar(64) not null, "signed_at" timestamptz not null, "signature" varchar(128) not null, primary key ("chain"));`);

    this.addSql(`create table "audit_pending" ("event_id" uuid not null, "chain" uuid not null, primary key ("event_id"));`);
    this.addSql(`create index "audit_pending_chain_event_id_index" on "audit_pending" ("chain", "event_id");`);

    this.addSql(`create table "audit_seal" ("event_id" uuid not null, "chain" uuid not null, "seq" bigint not null, "hash" varchar(64) not null, primary key ("event_id"));`);
    this.addSql(`alter table "audit_seal" add constraint "audit_seal_chain_seq_unique" unique ("chain", "seq");`);

    this.addSql(`alter table "audit_event" add "on_behalf_of" varchar(64) null;`);
    this.addSql(`drop index "audit_event_organization_id_id_index";`);
    this.addSql(`create index "audit_event_organization_id_at_id_index" on "audit_event" ("organization_id", "at", "id");`);
    this.addSql(`create index "audit_event_organization_id_actor_at_id_index" on "audit_event" ("organization_id", "actor", "at", "id");`);
    this.addSql(`create index "audit_event_organization_id_action_at_id_index" on "audit_event" ("organization_id", "action", "at", "id");`);
    this.addSql(`create index "audit_event_organization_id_target_at_id_index" on "audit_event" ("organization_id", "target", "at", "id");`);
    this.addSql(`create or replace function "audit_event_insert_only_fn"() returns trigger as \$\$ begin raise exception 'audit_event is insert-only' using errcode = 'insufficient_privilege'; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "insert_only" BEFORE DELETE OR UPDATE on "audit_event" for each STATEMENT execute function "audit_event_insert_only_fn"();`);
    this.addSql(`create trigger "insert_only_whole" before truncate on "audit_event" for each statement execute function "audit_event_insert_only_fn"();`);
    this.addSql(`create or replace function "audit_event_await_seal_fn"() returns trigger as \$\$ begin insert into audit_pending (event_id, chain) values (new.id, coalesce(new.organization_id, '00000000-0000-0000-0000-000000000000')); return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "await_seal" AFTER INSERT on "audit_event" for each ROW execute function "audit_event_await_seal_fn"();`);

    this.addSql(`create or replace function "audit_seal_insert_only_fn"() returns trigger as \$\$ begin raise exception 'audit_seal is insert-only' using errcode = 'insufficient_privilege'; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "insert_only" BEFORE DELETE OR UPDATE on "audit_seal" for each STATEMENT execute function "audit_seal_insert_only_fn"();`);
    this.addSql(`create trigger "insert_only_whole" before truncate on "audit_seal" for each statement execute function "audit_seal_insert_only_fn"();`);

    this.addSql(`insert into "audit_pending" ("event_id", "chain") select "id", coalesce("organization_id", '00000000-0000-0000-0000-000000000000') from "audit_event";`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "audit_head" cascade;`);
    this.addSql(`drop table if exists "audit_pending" cascade;`);
    this.addSql(`drop trigger if exists "insert_only_whole" on "audit_seal";`);
    this.addSql(`drop trigger if exists "insert_only" on "audit_seal";`);
    this.addSql(`drop function if exists "audit_seal_insert_only_fn"();`);
    this.addSql(`drop table if exists "audit_seal" cascade;`);

    this.addSql(`drop index "audit_event_organization_id_at_id_index";`);
    this.addSql(`drop index "audit_event_organization_id_actor_at_id_index";`);
    this.addSql(`drop index "audit_event_organization_id_action_at_id_index";`);
    this.addSql(`drop index "audit_event_organization_id_target_at_id_index";`);
    this.addSql(`drop trigger if exists "insert_only_whole" on "audit_event";`);
    this.addSql(`drop trigger if exists "insert_only" on "audit_event";`);
    this.addSql(`drop function if exists "audit_event_insert_only_fn"();`);
    this.addSql(`drop trigger if exists "await_seal" on "audit_event";`);
    this.addSql(`drop function if exists "audit_event_await_seal_fn"();`);
    this.addSql(`create index "audit_event_organization_id_id_index" on "audit_event" ("organization_id", "id");`);
    this.addSql(`alter table "audit_event" drop column "on_behalf_of";`);
  }

}
