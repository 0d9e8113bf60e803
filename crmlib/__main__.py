"""`python -m crmlib` is `crm`."""

from crmlib.cli import main

if __name__ == "__main__":
    main()
