"""From a raw file alone to a commented params file: what `crm new` proposes."""
