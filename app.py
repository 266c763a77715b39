"""Entry point of the web app: `python app.py [--host H] [--port P] [--models DIR]`."""

import sys

from engine.installation import not_installed

try:
    from app.launch import main
except ModuleNotFoundError as missing:
    if (said := not_installed(missing)) is None:
        raise
    sys.stderr.write(f"error: {said[0]}\nhint: {said[1]}\n")
    sys.exit(2)

if __name__ == "__main__":
    main()
